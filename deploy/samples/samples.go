// Package samples holds the papers of eleven companies as an office would have them
// on file, the script of what the desk's people decide about them, and what must
// have become of each. The demo imports and plays them; the files are also the
// examples of what "secordesk import" reads.
package samples

import "embed"

// Files are the sample files.
//
//go:embed *.csv *.jsonl *.json
var Files embed.FS
