package schema

import (
	"encoding/json"
	"fmt"

	"secordesk/store/secor"
)

// Submission is a sheet of marks to be scored dry, as "secordesk score" reads it.
type Submission struct {
	Protocol string          // name of a protocol; "" when the file brings its own
	Inline   *secor.Protocol // the file's own protocol, or nil
	Evidence secor.Evidence
	Marks    []secor.Mark // unscored questions have none
}

// ReadSubmission reads a file as schemas/score.schema.json describes it. Its
// error is Problems. Whether the marks fit the protocol is for secor to judge.
func ReadSubmission(document []byte) (*Submission, error) {
	shape, err := Compile("score")
	if err != nil {
		return nil, err
	}
	var file scoreFile
	err = shape.Decode(document, &file)
	if err != nil {
		return nil, err
	}
	r := &reading{}
	s := &Submission{
		Protocol: file.Protocol.name,
		Inline:   file.Protocol.inline(r),
		Evidence: secor.Evidence(file.Months),
		Marks:    file.marks(r),
	}
	err = r.problems.orNil()
	if err != nil {
		return nil, err
	}
	return s, nil
}

type scoreFile struct {
	Schema   string       `json:"$schema"`
	Protocol protocolPart `json:"protocol"`
	Months   evidencePart `json:"evidence_months"`
	Marks    []struct {
		Question  string  `json:"question"`
		Awarded   *points `json:"awarded"`
		Available *points `json:"available"`
		NA        bool    `json:"na"`
	} `json:"marks"`
}

// protocolPart is a protocol by name or in full.
type protocolPart struct {
	name     string
	elements []scoreElement
}

type scoreElement struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Questions []struct {
		ID     string      `json:"id"`
		Text   string      `json:"text"`
		Points points      `json:"points"`
		Scale  secor.Scale `json:"scale"`
	} `json:"questions"`
}

func (p *protocolPart) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, &p.name)
	}
	var full struct {
		Elements []scoreElement `json:"elements"`
	}
	err := json.Unmarshal(data, &full)
	p.elements = full.Elements
	return err
}

func (p *protocolPart) inline(r *reading) *secor.Protocol {
	if len(p.elements) == 0 {
		return nil
	}
	protocol := &secor.Protocol{Name: "inline", Title: "Protocol of the file"}
	seen := map[string]bool{}
	for i, e := range p.elements {
		r.unique(seen, fmt.Sprintf("/protocol/elements/%d/id", i), "element "+e.ID)
		element := secor.Element{ID: e.ID, Title: e.Title}
		for n, q := range e.Questions {
			r.unique(seen, fmt.Sprintf("/protocol/elements/%d/questions/%d/id", i, n), "question "+q.ID)
			if q.Scale == "" {
				q.Scale = secor.ScaleRange
			}
			element.Questions = append(element.Questions, secor.Question{ID: q.ID, Text: q.Text, Points: secor.Points(q.Points), Scale: q.Scale})
		}
		protocol.Elements = append(protocol.Elements, element)
	}
	return protocol
}

// evidencePart is one number of months for both kinds of documentation, or one
// for each.
type evidencePart secor.Evidence

func (e *evidencePart) UnmarshalJSON(data []byte) error {
	var apart struct {
		Policies int `json:"policies"`
		Records  int `json:"records"`
	}
	if data[0] == '{' {
		err := json.Unmarshal(data, &apart)
		*e = evidencePart{Policies: apart.Policies, Records: apart.Records}
		return err
	}
	err := json.Unmarshal(data, &e.Policies)
	e.Records = e.Policies
	return err
}

func (f *scoreFile) marks(r *reading) []secor.Mark {
	var marks []secor.Mark
	for i, m := range f.Marks {
		mark := secor.Mark{Question: m.Question, NA: m.NA}
		if m.Awarded != nil {
			mark.Awarded = secor.Points(*m.Awarded)
		}
		if m.Available != nil {
			mark.Available = secor.Points(*m.Available)
			if mark.Available == 0 && !m.NA {
				r.complain(fmt.Sprintf("/marks/%d/available", i), "is 0; mark the question with \"na\": true if it does not apply")
			}
		}
		if m.Awarded != nil || m.NA {
			marks = append(marks, mark)
		}
	}
	return marks
}
