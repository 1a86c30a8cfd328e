package sink

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/jhillyerd/enmime/v2"

	desk "secordesk/jobs/mail"
)

// Letter is a letter as its reader would see it, and the file that it is in.
type Letter struct {
	File string // within the folder
	Job  string // the X-Secordesk-Job header
	desk.Message
}

// Messages returns the letters kept so far, the oldest first.
func (s *Sink) Messages() ([]Letter, error) { return Read(s.dir) }

// Read returns the letters in a sink's folder, the oldest first, whether or not the sink still runs. A file that is
// named like a letter and is none gives an error that names it; all other files are passed over.
func Read(dir string) ([]Letter, error) {
	files, err := letterFiles(dir)
	if err != nil {
		return nil, err
	}
	letters := make([]Letter, len(files))
	for i, f := range files {
		raw, err := os.ReadFile(filepath.Join(dir, f.name))
		if err != nil {
			return nil, fmt.Errorf("read letter: %w", err)
		}
		letters[i], err = parse(raw)
		if err != nil {
			return nil, fmt.Errorf("read letter %s: %w", f.name, err)
		}
		letters[i].File = f.name
	}
	return letters, nil
}

func parse(raw []byte) (Letter, error) {
	env, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		return Letter{}, err
	}
	for _, e := range env.Errors {
		if e.Severe {
			return Letter{}, e
		}
	}
	l := Letter{Job: env.GetHeader(desk.JobHeader)}
	l.From, l.FromName, err = address(env, "From")
	if err != nil {
		return Letter{}, err
	}
	l.To, l.ToName, err = address(env, "To")
	if err != nil {
		return Letter{}, err
	}
	if env.GetHeader("Reply-To") != "" {
		l.ReplyTo, _, err = address(env, "Reply-To")
		if err != nil {
			return Letter{}, err
		}
	}
	l.Date, err = env.Date()
	if err != nil {
		return Letter{}, fmt.Errorf("header Date: %w", err)
	}
	l.Subject = env.GetHeader("Subject")
	l.ID = strings.Trim(env.GetHeader("Message-ID"), "<>")
	l.Text = strings.ReplaceAll(env.Text, "\r\n", "\n")
	l.HTML = strings.ReplaceAll(env.HTML, "\r\n", "\n")
	for _, a := range env.Attachments {
		l.Attachments = append(l.Attachments, desk.Attachment{Name: a.FileName, Type: a.ContentType, Data: a.Content})
	}
	return l, nil
}

func address(env *enmime.Envelope, header string) (string, string, error) {
	list, err := env.AddressList(header)
	if err != nil {
		return "", "", fmt.Errorf("header %s: %w", header, err)
	}
	if len(list) != 1 {
		return "", "", fmt.Errorf("header %s: %d addresses, want one", header, len(list))
	}
	return list[0].Address, list[0].Name, nil
}

// letterFile is a file of the folder that fileName has named.
type letterFile struct {
	number int
	name   string
}

func letterFiles(dir string) ([]letterFile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read mail folder: %w", err)
	}
	pattern := regexp.MustCompile(`^(\d{4,18})-.*\.eml$`)
	var files []letterFile
	for _, e := range entries {
		match := pattern.FindStringSubmatch(e.Name())
		if match == nil || !e.Type().IsRegular() {
			continue
		}
		number, err := strconv.Atoi(match[1])
		if err != nil {
			return nil, fmt.Errorf("number of letter %s: %w", e.Name(), err)
		}
		files = append(files, letterFile{number, e.Name()})
	}
	slices.SortFunc(files, func(a, b letterFile) int { return cmp.Compare(a.number, b.number) })
	return files, nil
}

// fileName returns a name such as 0007-welcome-to-secor-office-northernlights.eml, of at most 200 bytes. Subject and
// recipient come from outside: only their letters and digits are used.
func fileName(number int, subject, recipient string) string {
	name := fmt.Sprintf("%04d-%s", number, words(subject, 90))
	local, domain, _ := strings.Cut(recipient, "@")
	domain, _, _ = strings.Cut(domain, ".")
	return name + "-" + words(local, 45) + "-" + words(domain, 40) + ".eml"
}

// words returns the letters and digits of s in small letters, with a dash for everything between, cut to size bytes;
// "x" when s has none.
func words(s string, size int) string {
	var b strings.Builder
	dash := false
	for _, r := range s {
		if unicode.Is(unicode.Mn, r) {
			continue // an accent that is written apart from its letter
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) || r == unicode.ReplacementChar {
			dash = b.Len() > 0
			continue
		}
		piece := string(unicode.ToLower(r))
		if dash {
			piece = "-" + piece
		}
		if b.Len()+len(piece) > size {
			break
		}
		b.WriteString(piece)
		dash = false
	}
	return cmp.Or(b.String(), "x")
}
