package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"secordesk/schema"
	"secordesk/store/secor"
)

// maxSubmission is the largest file that score reads, in bytes: some ten
// thousand times what a submission needs.
const maxSubmission = 8 << 20

// scoreCmd is "secordesk score".
type scoreCmd struct {
	File    string        `arg:"" help:"Submission as JSON (schema/schemas/score.schema.json); - reads standard input."`
	Edition string        `placeholder:"ID" help:"Rule edition; the one in force today when left out."`
	Purpose secor.Purpose `default:"certification" enum:"certification,maintenance,recertification" help:"What the audit is for: ${enum}."`
	JSON    bool          `name:"json" help:"Print JSON with exact decimals."`
}

// Help returns the examples.
func (scoreCmd) Help() string {
	return `A question without a mark is unscored, which is not the same as 0. A file that was scored ends with status 0, whatever the verdict.

Examples:

	secordesk score submission.json
	secordesk score submission.json --edition esc-2023 --json
	secordesk score - --purpose maintenance`
}

// Run scores the file and prints the result.
func (c *scoreCmd) Run(_ context.Context, t *terminal) error {
	loaded, err := schema.LoadFS(schema.Files())
	if err != nil {
		return err
	}
	edition, err := t.edition(loaded.Programme, c.Edition)
	if err != nil {
		return err
	}
	document, err := readSubmission(c.File, t.in)
	if err != nil {
		return err
	}
	s, err := judge(document, loaded.Programme, edition, c.Purpose)
	var problems schema.Problems
	if errors.As(err, &problems) {
		return inFile(c.File, problems)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if c.JSON {
		return writeJSON(t.out, newScoreJSON(s.Score, s.term))
	}
	return s.writeTable(t)
}

func readSubmission(file string, stdin io.Reader) ([]byte, error) {
	in := io.NopCloser(stdin)
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read submission: %w", err)
		}
		in = opened
	}
	defer in.Close()
	document, err := io.ReadAll(io.LimitReader(in, maxSubmission+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read submission: %w", err)
	case len(document) > maxSubmission:
		return nil, &secor.FieldError{Field: file, Problem: fmt.Sprintf("is larger than %d MB; a submission has one mark for each question", maxSubmission>>20)}
	case len(strings.TrimSpace(string(document))) == 0:
		return nil, &secor.FieldError{Field: file, Problem: "is empty"}
	}
	return document, nil
}

// inFile names the file in each problem and keeps a hopeless file from filling
// the screen.
func inFile(file string, problems schema.Problems) error {
	const most = 20
	for i := range problems {
		problems[i].File = file
	}
	if rest := len(problems) - most; rest > 0 {
		problems = append(problems[:most:most], schema.Problem{File: file, Reason: fmt.Sprintf("and %d more", rest)})
	}
	return problems
}

// scored is a submission with what the rules make of it.
type scored struct {
	secor.Score
	edition  *secor.Edition
	protocol *secor.Protocol
	purpose  secor.Purpose
	months   int
	term     int // years that it could earn
}

// judge reads a submission and scores it. Its error is schema.Problems when the
// document is at fault.
func judge(document []byte, p *secor.Programme, edition *secor.Edition, purpose secor.Purpose) (*scored, error) {
	submission, err := schema.ReadSubmission(document)
	if err != nil {
		return nil, err
	}
	protocol := cmp.Or(submission.Inline, p.Protocols[submission.Protocol])
	if protocol == nil {
		known := strings.Join(slices.Sorted(maps.Keys(p.Protocols)), ", ")
		return nil, schema.Problems{{Pointer: "/protocol", Reason: fmt.Sprintf("%q is not a protocol; there is %s", submission.Protocol, known)}}
	}
	err = checkMarks(document, submission.Marks, protocol)
	if err != nil {
		return nil, err
	}
	score, err := protocol.Judge(submission.Marks, edition.PassMarks[purpose])
	if err != nil {
		return nil, err
	}
	s := &scored{Score: score, edition: edition, protocol: protocol, purpose: purpose, months: submission.Evidence.Months()}
	s.earn()
	return s, nil
}

// checkMarks says where in the document a mark is that cannot be true. It also
// looks at the unscored ones, which the rules never see.
func checkMarks(document []byte, marks []secor.Mark, protocol *secor.Protocol) error {
	var sheet struct {
		Marks []struct {
			Question string `json:"question"`
		} `json:"marks"`
	}
	err := json.Unmarshal([]byte(strings.TrimPrefix(string(document), "\uFEFF")), &sheet)
	if err != nil {
		return fmt.Errorf("read marks: %w", err)
	}
	var problems schema.Problems
	at := map[string]string{}
	for i, line := range sheet.Marks {
		pointer := fmt.Sprintf("/marks/%d", i)
		_, known := protocol.Question(line.Question)
		switch first := at[line.Question]; {
		case first != "":
			problems = append(problems, schema.Problem{Pointer: pointer, Reason: "question " + line.Question + " is marked twice; the first mark is " + first})
		case !known:
			problems = append(problems, schema.Problem{Pointer: pointer, Reason: "question " + line.Question + " is not in the protocol"})
		default:
			at[line.Question] = pointer
		}
	}
	for _, m := range marks {
		_, err = protocol.CheckMark(m)
		if err != nil && at[m.Question] != "" {
			problems = append(problems, schema.Problem{Pointer: at[m.Question], Reason: err.Error()})
		}
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// earn works out the term and says why it is not three years.
func (s *scored) earn() {
	months := s.edition.Months
	if s.Verdict != secor.VerdictPass {
		return
	}
	if s.purpose == secor.PurposeMaintenance {
		s.Reasons = append(s.Reasons, "a maintenance audit earns no new certificate")
		return
	}
	s.term = months.Term(s.Verdict, s.months)
	switch s.term {
	case 0:
		s.Reasons = append(s.Reasons, fmt.Sprintf("%d months of documentation; at least %d are needed", s.months, months.OneYear))
	case 1:
		s.Reasons = append(s.Reasons, fmt.Sprintf("%d months of documentation; three years need %d, one year is for a person to grant", s.months, months.ThreeYear))
	}
}

// scoreJSON is what --json prints. Points are decimals with two places.
type scoreJSON struct {
	Elements  []elementJSON `json:"elements"`
	Awarded   string        `json:"awarded"`
	Available string        `json:"available"`
	Verdict   secor.Verdict `json:"verdict"`
	TermYears int           `json:"term_years"`
	Reasons   []string      `json:"reasons"`
}

type elementJSON struct {
	ID        string `json:"id"`
	Awarded   string `json:"awarded"`
	Available string `json:"available"`
}

func newScoreJSON(s secor.Score, term int) *scoreJSON {
	out := &scoreJSON{Elements: []elementJSON{}, Awarded: s.Awarded.String(), Available: s.Available.String(),
		Verdict: s.Verdict, TermYears: term, Reasons: append([]string{}, s.Reasons...)}
	for _, e := range s.Elements {
		out.Elements = append(out.Elements, elementJSON{ID: e.Element, Awarded: e.Awarded.String(), Available: e.Available.String()})
	}
	return out
}

// writeJSON prints a value as indented JSON and leaves < > & readable.
func writeJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(value)
}

func (s *scored) writeTable(t *terminal) error {
	pass := s.edition.PassMarks[s.purpose]
	fmt.Fprintf(t.out, "%s (%s), %s: %d %% overall, %d %% in every element\n%s\n\n",
		s.edition.Title, s.edition.ID, s.purpose, pass.Overall, pass.Element, s.protocol.Title)
	err := scoreTable(s.protocol, s.Score).write(t.out)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "\nVerdict: %s\n", t.verdict(s.Verdict))
	if s.Verdict == secor.VerdictPass {
		fmt.Fprintf(t.out, "Could earn: %s\n", termWords(s.term))
	}
	for _, reason := range s.Reasons {
		fmt.Fprintf(t.out, "  - %s\n", reason)
	}
	if missing := s.missing(pass); s.Verdict == secor.VerdictFail {
		fmt.Fprintf(t.out, "Missing to pass: %s\n", strings.Join(missing, ", "))
	}
	return nil
}

// scoreTable shows a score element by element.
func scoreTable(protocol *secor.Protocol, score secor.Score) *table {
	out := &table{heads: []string{"Element", "", "Awarded", "Available", "Percent"}, right: []int{2, 3, 4}}
	for i, e := range score.Elements {
		out.add(e.Element, protocol.Elements[i].Title, e.Awarded.String(), e.Available.String(), secor.Percent(e.Awarded, e.Available))
	}
	out.add("", "Overall", score.Awarded.String(), score.Available.String(), secor.Percent(score.Awarded, score.Available))
	return out
}

func (t *terminal) verdict(v secor.Verdict) string {
	colour := map[secor.Verdict]ink{secor.VerdictPass: green, secor.VerdictFail: red, secor.VerdictNotScored: yellow}[v]
	return t.paint(colour, strings.ReplaceAll(string(v), "_", " "))
}

func termWords(years int) string {
	words := map[int]string{0: "no certificate", 1: "a one-year certificate", 3: "a three-year certificate"}
	return words[years]
}

// missing lists the points that separate a failed score from a pass.
func (s *scored) missing(pass secor.PassMark) []string {
	var words []string
	for _, e := range s.Elements {
		if short := shortOf(e.Awarded, e.Available, pass.Element); short > 0 {
			words = append(words, fmt.Sprintf("%s points in element %s", short, e.Element))
		}
	}
	if short := shortOf(s.Awarded, s.Available, pass.Overall); short > 0 {
		words = append(words, fmt.Sprintf("%s points overall", short))
	}
	return words
}

// shortOf returns the fewest points with which awarded would reach percent of
// available; 0 or less when it does.
func shortOf(awarded, available secor.Points, percent int) secor.Points {
	return (available*secor.Points(percent)+99)/100 - awarded
}
