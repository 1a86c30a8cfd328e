package certificate

import (
	"fmt"

	"codeberg.org/go-pdf/fpdf"
)

// form is a drawing that is packed once and stands in a document once, on however many of its pages it is seen.
type form struct {
	name   string
	object []byte
}

func newForm(name, drawing string, width, height float64) (*form, error) {
	packed, err := pack([]byte(drawing))
	if err != nil {
		return nil, fmt.Errorf("form %s: %w", name, err)
	}
	head := fmt.Sprintf("<</Type /XObject /Subtype /Form /BBox [0 0 %g %g] /Resources <<>> /Filter /FlateDecode /Length %d>>\nstream\n",
		width, height, len(packed))
	return &form{name, append([]byte(head), string(packed)+"\nendstream\nendobj"...)}, nil
}

// draw puts the form on the current page. The library takes it for a page of another document. (It writes such objects
// in the order of a map, so that a document can have one form only if its bytes are to be the same each time.)
func (f *form) draw(pdf *fpdf.Fpdf) {
	pdf.ImportObjects(map[string][]byte{f.name: f.object})
	pdf.ImportTemplates(map[string]string{"/" + f.name: f.name})
	pdf.RawWriteStr("/" + f.name + " Do")
}
