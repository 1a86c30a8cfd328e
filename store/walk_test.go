package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secordesk/store/secor"
)

// walker takes steps on one case as they come.
type walker struct {
	*desk
	rand  *rand.Rand
	id    secor.CaseID
	taken int
}

// recorded is where a case stood when its events had come to seq.
type recorded struct {
	seq      int
	standing secor.Standing
}

// choose returns a step that makes some sense in the case's state, or none at all.
func (w *walker) choose(f *secor.File) (secor.Act, func(*secor.File, time.Time) error, string) {
	act := w.act([]int64{w.lead, w.admin, w.reviewer[0], w.reviewer[1]}[w.rand.IntN(4)])
	if f.Case.Holder != 0 && w.rand.IntN(3) > 0 {
		act.By = secor.ByReviewer(f.Case.Holder)
	}
	desk := w.deskAct()
	if f.Audit != nil {
		switch w.rand.IntN(8) {
		case 0, 1:
			if f.Case.State == secor.StateOpen || f.Case.State == secor.StateRevision {
				s := w.submission(f)
				s.Months.Records = []int{12, 6, 2}[w.rand.IntN(3)]
				s.Headcount = []int{4, 11}[w.rand.IntN(2)]
				return desk, func(f *secor.File, _ time.Time) error { return f.Submit(s) }, "submit"
			}
		case 2:
			kind := []secor.JobKind{secor.JobInvoice, secor.JobPass, secor.JobRequestCertificate}[w.rand.IntN(3)]
			return desk, func(f *secor.File, _ time.Time) error {
				if kind == secor.JobPass && f.Audit.Result != secor.VerdictPass {
					return nil
				}
				return f.Accepted(kind, "company:1")
			}, string(kind)
		case 3:
			return desk, func(f *secor.File, _ time.Time) error { _, err := f.ReachLevels(); return err }, "reach"
		}
	}
	var offered []secor.Step
	for _, s := range f.Offered(secor.RoleLead) {
		// What ends a case is taken less often.
		if closed := s.Name == "withdraw" || s.Name == "cancel" || s.Name == "lapse"; !closed || w.rand.IntN(6) == 0 {
			offered = append(offered, s)
		}
	}
	s := offered[w.rand.IntN(len(offered))]
	act.Assigns = s.Assigns
	in := w.input(f, s)
	return act, func(f *secor.File, _ time.Time) error { return s.Take(f, in) }, fmt.Sprint(s.Name, " ", in)
}

func (w *walker) input(f *secor.File, s secor.Step) secor.Input {
	in := secor.Input{}
	if s.Accepts != "" {
		in["accept"] = "headcount,evidence_months,course"
	}
	for _, field := range s.Fields {
		if !field.Required && w.rand.IntN(2) == 0 {
			continue
		}
		switch field.Type {
		case secor.FieldInt:
			in[field.Name] = strconv.Itoa([]int{12, 6, 1}[w.rand.IntN(3)])
		case secor.FieldDate:
			in[field.Name] = w.today().AddDays(-w.rand.IntN(3)).String()
		case secor.FieldPoints:
			in[field.Name] = strconv.Itoa(w.rand.IntN(3))
		case secor.FieldMoney:
			in[field.Name] = []string{"157.50", "100", "700"}[w.rand.IntN(3)]
		case secor.FieldReviewer:
			in[field.Name] = strconv.FormatInt(w.reviewer[w.rand.IntN(2)], 10)
		case secor.FieldBool:
			in[field.Name] = strconv.FormatBool(w.rand.IntN(2) == 0)
		case secor.FieldChoice:
			in[field.Name] = field.Choices[w.rand.IntN(len(field.Choices))]
		default:
			in[field.Name] = fmt.Sprintf("text %d", w.rand.IntN(5))
		}
	}
	switch s.Name {
	case "mark":
		in["question"] = f.Protocol.Elements[0].Questions[w.rand.IntN(3)].ID
	case "add-note":
		in["question"] = []string{"", "A2", "months"}[w.rand.IntN(3)]
	case "resolve-note", "confirm-note", "reopen-note", "withdraw-note":
		in["note"] = strconv.Itoa(1 + w.rand.IntN(3))
	case "agree":
		in["element"] = f.Protocol.Elements[w.rand.IntN(2)].ID
	case "correct":
		in["value"] = map[string]string{"email": "new@roof.example", "headcount": "5"}[in["field"]] + ""
		if in["value"] == "" {
			in["value"] = fmt.Sprintf("Value %d", w.rand.IntN(9))
		}
	}
	if name := "pays-on"; in[name] != "" {
		in[name] = w.today().AddDays(1 + w.rand.IntN(20)).String()
	}
	if name := "expires-on"; in[name] != "" {
		in[name] = w.today().AddYears(1).String()
	}
	return in
}

func (w *walker) today() secor.Date { return secor.DateOf(w.clock.Now(), time.UTC).AddDays(-1) }

// walk takes n steps. After each the case is stored as the step left it; a step
// either does that or is refused, and a refused one changes nothing.
func (w *walker) walk(n int) []recorded {
	t := w.t
	t.Helper()
	var all []recorded
	for range n {
		w.clock.Add(time.Duration(w.rand.IntN(30)) * time.Hour)
		before := w.file(w.id)
		act, do, name := w.choose(before)
		var stepped *secor.File
		err := w.UpdateCase(t.Context(), w.id, act, func(f *secor.File, now time.Time) error {
			stepped = f
			return do(f, now)
		})
		after := w.file(w.id)
		if err != nil && !errors.Is(err, secor.ErrRefused) {
			t.Fatalf("%s in %s by %s: %v", name, before.Case.State, act.By, err)
		}
		want := stepped
		if err != nil {
			want = before
		} else {
			w.taken++
		}
		if want.Audit != nil && !want.Audit.Waiting {
			want.Audit.Accepted = nil // the store looks for it only while the audit waits
		}
		if diff := sameButNumbers(want, after); diff != "" {
			t.Fatalf("%s in %s, error %v: stored (-want +got)\n%s", name, before.Case.State, err, diff)
		}
		events := w.events(w.id)
		all = append(all, recorded{seq: len(events), standing: after.Standing()})
	}
	return all
}

// sameButNumbers compares files but for what Postgres adds: ids, sequence numbers
// and the roster's loads.
func sameButNumbers(want, got *secor.File) string {
	return cmp.Diff(want, got, cmpopts.IgnoreUnexported(secor.File{}), cmpopts.EquateEmpty(),
		cmpopts.IgnoreFields(secor.File{}, "Programme", "Edition", "Protocol", "Body", "Documents", "Roster", "Held", "Queue", "Handed", "SameSheet"),
		cmpopts.IgnoreFields(secor.Invoice{}, "ID"), cmpopts.IgnoreFields(secor.Payment{}, "ID"),
		cmpopts.IgnoreFields(secor.Certificate{}, "ID"), cmpopts.IgnoreFields(secor.Clock{}, "ID"),
		cmpopts.IgnoreFields(secor.Event{}, "Seq"))
}

// Replaying any prefix of a case's events gives what was stored then, whatever
// was done; what a step leaves is what is loaded next; and no constraint stands
// in the way of a legal step.
func TestWalk(t *testing.T) {
	for seed := range uint64(walks) {
		for _, kind := range []secor.Subject{secor.SubjectRequest, secor.SubjectAudit} {
			t.Run(fmt.Sprintf("%s %d", kind, seed), func(t *testing.T) {
				t.Parallel()
				w := &walker{desk: newDesk(t), rand: rand.New(rand.NewPCG(seed, 7))}
				company := w.company(1)
				steps := 25
				switch {
				case kind == secor.SubjectRequest:
					w.id = w.request(company)
				case seed%3 == 0:
					steps, w.id = 60, w.audit(company)
				case seed%3 == 1:
					steps, w.id = 60, w.reviewed(company)
				default:
					steps, w.id = 60, w.certified(company)
				}
				all := w.walk(steps)
				events := w.events(w.id)
				for _, then := range all {
					if diff := cmp.Diff(then.standing, secor.Replay(events[:then.seq])); diff != "" {
						t.Errorf("after event %d: replay differs from what was stored (-stored +replayed)\n%s", then.seq, diff)
					}
				}
				report, err := w.Verify(t.Context())
				w.ok(err)
				if len(report.Problems) > 0 {
					t.Errorf("Verify = %v, want no problems", report.Problems)
				}
				t.Logf("%d of %d steps taken, %d events, stands at %v", w.taken, steps, len(events), w.file(w.id).Standing())
			})
		}
	}
}

// walks is how many cases of each kind take a walk.
const walks = 6
