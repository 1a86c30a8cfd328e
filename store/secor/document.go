package secor

import (
	"path"
	"regexp"
	"strings"
)

// MaxDocument is the largest file that is kept with a case, in bytes.
const MaxDocument = 10 << 20

// DocumentTypes returns the media types that a case may keep, with the ending of
// their names.
func DocumentTypes() map[string]string {
	return map[string]string{"application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg"}
}

var unsafeInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// Attach keeps a file that came from outside with the case, such as the certificate
// that the governing body made. Its name is written so that it is safe in every
// folder and no other file of the case has it, and ends as its type wants; sum is the SHA-256 of its data in hex. It
// refuses who is not of this desk, a type that is none of DocumentTypes, an empty
// file and one larger than MaxDocument.
func (f *File) Attach(d Document, sum string) error {
	err := Step{Label: "Attach", Who: anyone}.allow(f)
	if err != nil {
		return err
	}
	ending, known := DocumentTypes()[d.Type]
	switch {
	case len(d.Data) == 0:
		return &FieldError{Field: "file", Value: d.Name, Problem: "is empty"}
	case len(d.Data) > MaxDocument:
		return &FieldError{Field: "file", Value: d.Name, Problem: "is larger than 10 MB"}
	case !known:
		return &FieldError{Field: "file", Value: d.Name, Problem: "is " + d.Type + "; a case keeps PDF, PNG and JPEG"}
	}
	name := path.Base(strings.ReplaceAll(d.Name, `\`, "/"))
	name = strings.Trim(unsafeInName.ReplaceAllString(strings.TrimSuffix(name, path.Ext(name)), "-"), ".-_")
	d.Name = "received-" + clipName(name) + "-" + sum[:min(8, len(sum))] + ending
	f.Documents = append(f.Documents, d)
	f.record(EventAttached, strings.TrimSpace(d.Name+" "+f.act.Reason), facts{"sha256": sum, "type": d.Type})
	return nil
}

func clipName(name string) string {
	if name == "" {
		return "file"
	}
	return name[:min(len(name), 100)]
}
