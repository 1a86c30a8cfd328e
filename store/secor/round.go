package secor

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Round is what a company handed in once, exactly as it did. Rounds are kept and
// never changed.
type Round struct {
	Number    int // 1 with the first submission
	At        time.Time
	Marks     map[string]Mark // claimed, by question
	Months    Evidence
	Headcount int
	LastDay   Date
	Stated    Stated
	Sum       string // fingerprint of marks, months, headcount and last day
}

// Subjects of a note and of a change that are no question of the protocol.
const (
	SubjectMonths    = "months"
	SubjectHeadcount = "headcount"
	SubjectLastDay   = "last_day"
	SubjectName      = "legal_name"
	SubjectEvidence  = "evidence_url"
)

// SheetSubjects returns the subjects of a note and of a change that are no question
// of the protocol, in the order in which changes list them.
func SheetSubjects() []string {
	return []string{SubjectMonths, SubjectHeadcount, SubjectLastDay, SubjectName, SubjectEvidence}
}

// Change is one thing that a company states otherwise than in the round before.
type Change struct {
	Subject  string // id of a question, or one of SheetSubjects
	From, To string // "3.50/5.00", "n/a", "unscored", "12/11"; of a name or an address, what the company wrote: never for the facts of an event
	Note     int    // number of the note that asked for it; 0: nobody did
}

// Changes returns what a company states otherwise than in the round before, in
// alphabetical order and then by SheetSubjects. Notes are those of the audit; only what
// one of that earlier round's request names counts as asked for. What a submission
// leaves out is "not stated", which is another thing than to repeat it.
func Changes(before, after Round, notes []Note) []Change {
	var changes []Change
	add := func(subject, from, to string) {
		if from != to {
			changes = append(changes, Change{Subject: subject, From: from, To: to, Note: askedBy(notes, before.Number, subject)})
		}
	}
	both := maps.Clone(before.Marks)
	if both == nil {
		both = map[string]Mark{}
	}
	maps.Copy(both, after.Marks)
	for _, id := range slices.Sorted(maps.Keys(both)) {
		add(id, before.words(id), after.words(id))
	}
	add(SubjectMonths, before.Months.words(), after.Months.words())
	add(SubjectHeadcount, strconv.Itoa(before.Headcount), strconv.Itoa(after.Headcount))
	add(SubjectLastDay, before.LastDay.String(), after.LastDay.String())
	add(SubjectName, statedWords(before.Stated.LegalName), statedWords(after.Stated.LegalName))
	add(SubjectEvidence, statedWords(before.Stated.EvidenceURL), statedWords(after.Stated.EvidenceURL))
	return changes
}

func (r Round) words(id string) string {
	m, claimed := r.Marks[id]
	if !claimed {
		return "unscored"
	}
	return m.Words()
}

func statedWords(text string) string { return cmp.Or(text, "not stated") }

func (e Evidence) words() string { return fmt.Sprintf("%d/%d", e.Policies, e.Records) }

// askedBy returns the first note that went out with the request of a round and
// names a subject.
func askedBy(notes []Note, round int, subject string) int {
	for _, n := range notes {
		if n.Asked > 0 && n.Asked <= round && round <= n.Repeated && n.Question == subject {
			return n.Number
		}
	}
	return 0
}

// round returns what the company has handed in last.
func (f *File) round() Round {
	r := Round{Number: f.Audit.Round, At: f.Now(), Marks: map[string]Mark{}, Months: f.Audit.Claimed, Headcount: f.Audit.Headcount,
		LastDay: f.Audit.LastDay, Stated: f.Audit.Stated, Sum: f.sheetSum()}
	for id, line := range f.Sheet {
		if line.Claimed != nil {
			r.Marks[id] = *line.Claimed
		}
	}
	return r
}

// keepRound keeps what was handed in as it was, and returns the facts by which its
// event can be held against it.
func (f *File) keepRound() facts {
	r := f.round()
	f.Handed = append(f.Handed, r)
	return facts{"round": strconv.Itoa(r.Number), "sheet": r.Sum}
}

// compareSheets adds to the facts of a later round what it changes, and what of
// that no note asked for.
func (f *File) compareSheets(s Submission, stated Stated, sheet map[string]Line, data facts) {
	if f.Audit.Round == 0 {
		data["changed"] = ""
		return
	}
	after := Round{Marks: map[string]Mark{}, Months: s.Months, Headcount: s.Headcount, LastDay: s.LastDay, Stated: stated}
	for id, line := range sheet {
		if line.Claimed != nil {
			after.Marks[id] = *line.Claimed
		}
	}
	var changed, unasked []string
	for _, c := range Changes(f.round(), after, f.Notes) {
		changed = append(changed, c.Subject)
		if c.Note == 0 {
			unasked = append(unasked, c.Subject)
		}
	}
	data["changed"], data["unasked"] = strings.Join(changed, " "), strings.Join(unasked, " ")
}

// sheetSum returns the fingerprint of what the company claims: the same sheet of
// the same day gives the same one, whoever hands it in.
func (f *File) sheetSum() string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(f.Sheet)) {
		fmt.Fprintf(&b, "%s=%s\n", id, f.Sheet[id].Claimed.Words())
	}
	fmt.Fprintf(&b, "%s %s %d", f.Audit.LastDay, f.Audit.Claimed.words(), f.Audit.Headcount)
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}
