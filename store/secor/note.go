package secor

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// NoteKind says what a company has to do about a note.
type NoteKind string

const (
	NoteActionable    NoteKind = "actionable"    // it changes something, and the reviewer confirms that
	NoteInformational NoteKind = "informational" // it only takes notice
)

// NoteKinds returns every kind.
func NoteKinds() []NoteKind { return []NoteKind{NoteActionable, NoteInformational} }

// NoteState is where a note stands. The strings are the same in Postgres.
type NoteState string

const (
	NoteOpen      NoteState = "open"      // company: do what it asks
	NoteResolved  NoteState = "resolved"  // reviewer: confirm it; an informational one is settled
	NoteConfirmed NoteState = "confirmed" // nobody
	NoteWithdrawn NoteState = "withdrawn" // nobody
)

// NoteStates returns every state.
func NoteStates() []NoteState {
	return []NoteState{NoteOpen, NoteResolved, NoteConfirmed, NoteWithdrawn}
}

// Note is what a reviewer has to say about one question of a submission, or about
// all of it. The company reads it with the next revision request.
type Note struct {
	Number   int    // 1, 2, … per audit
	Question string // id of the protocol, or one of SheetSubjects; "": the submission as a whole
	Kind     NoteKind
	State    NoteState
	Text     string
	Answer   string // the company's; may be empty
	Round    int    // in which it was written
	Asked    int    // round whose revision request carried it first; 0: none yet
	Repeated int    // round whose revision request carried it last
}

// Response is what a company says to a note when it hands in a revision.
type Response struct {
	Note   int
	Answer string // may be empty: done as asked
}

// Settled reports whether nobody has to do anything about a note any more.
func (n Note) Settled() bool {
	return n.State == NoteConfirmed || n.State == NoteWithdrawn || n.Kind == NoteInformational
}

func noteSteps() []Step {
	number := Field{Name: "note", Help: "number of the note", Type: FieldInt, Required: true}
	return []Step{
		{Name: "add-note", Label: "Add a Note", Help: "Write a note for the company; it goes out with the next revision request.",
			Example: `add-note 14 --question C2 --kind actionable --text "Two of the four forms are not signed. Please add the signed ones."`,
			Kind:    SubjectAudit, From: []State{StateInQA}, Who: anyone, Holder: true,
			Fields: []Field{
				{Name: "question", Help: "id of the question, or " + joinOr(SheetSubjects()) + "; left out: the submission as a whole", Type: FieldText},
				{Name: "kind", Help: "whether the company must do something or only take notice", Type: FieldChoice, Choices: noteKinds(), Required: true},
				{Name: "text", Help: "what the company reads", Type: FieldText, Required: true},
			}, do: (*File).addNote},
		{Name: "resolve-note", Label: "Record an Answer to a Note", Help: "Record what the company says to a note.", Example: `resolve-note 14 --note 3 --answer "forms added as page 12" --channel phone`,
			Kind: SubjectAudit, From: []State{StateInQA, StateRevision}, Who: sender, Holder: true,
			Fields: []Field{number,
				{Name: "answer", Help: "what the company said", Type: FieldText, Required: true},
				{Name: "channel", Help: "how it came", Type: FieldChoice, Choices: Channels()},
			}, do: (*File).resolveNote},
		{Name: "confirm-note", Label: "Confirm a Note", Help: "Confirm that the company did what a note asks.", Example: "confirm-note 14 --note 3",
			Kind: SubjectAudit, From: []State{StateInQA}, Who: anyone, Holder: true, Fields: []Field{number}, do: (*File).confirmNote},
		{Name: "reopen-note", Label: "Reopen a Note", Help: "Say that a note is not done after all; the next revision request carries it again.", Example: `reopen-note 14 --note 3 --reason "page 12 is still unsigned"`,
			Kind: SubjectAudit, From: []State{StateInQA}, Who: anyone, Holder: true, Reason: true, Fields: []Field{number}, do: (*File).reopenNote},
		{Name: "withdraw-note", Label: "Withdraw a Note", Help: "Take a note back that was a mistake.", Example: `withdraw-note 14 --note 3 --reason "the forms were on page 9"`,
			Kind: SubjectAudit, From: []State{StateInQA}, Who: anyone, Holder: true, Reason: true, Fields: []Field{number}, do: (*File).withdrawNote},
	}
}

func noteKinds() []string {
	var words []string
	for _, k := range NoteKinds() {
		words = append(words, string(k))
	}
	return words
}

func (f *File) addNote(in Input) error {
	subject := in.text("question")
	_, known := f.Protocol.Question(subject)
	if subject != "" && !known && !slices.Contains(SheetSubjects(), subject) {
		return &FieldError{Field: "question", Value: subject, Problem: "is not in protocol " + f.Protocol.Name + ", nor " + joinOr(SheetSubjects())}
	}
	n := Note{Number: len(f.Notes) + 1, Question: subject, Kind: NoteKind(in.text("kind")), State: NoteOpen, Text: in.text("text"), Round: f.Audit.Round}
	f.Notes = append(f.Notes, n)
	f.record(EventNoteAdded, n.Text, n.facts())
	return nil
}

func (n Note) facts() facts {
	return facts{"note": strconv.Itoa(n.Number), "question": n.Question, "kind": string(n.Kind), "state": string(n.State)}
}

// numbered returns the note of that number, to be changed.
func (f *File) numbered(number int64) (*Note, error) {
	for i := range f.Notes {
		if int64(f.Notes[i].Number) == number {
			return &f.Notes[i], nil
		}
	}
	problem := "is no note of this audit; its notes are 1 to " + strconv.Itoa(len(f.Notes))
	if len(f.Notes) == 0 {
		problem = "is no note of this audit; it has none"
	}
	return nil, &FieldError{Field: "note", Value: strconv.FormatInt(number, 10), Problem: problem}
}

// turn brings a note into another state and records why.
func (f *File) turn(n *Note, to NoteState, kind EventKind, text string, more facts) {
	n.State = to
	data := n.facts()
	for name, value := range more {
		data[name] = value
	}
	f.record(kind, text, data)
}

func (f *File) resolveNote(in Input) error {
	n, err := f.numbered(in.count("note"))
	if err != nil {
		return err
	}
	if f.act.By.Role == RoleCompany && f.Case.State != StateRevision {
		return refuse(ErrIllegalMove, "wait for a revision request", "the submission is with its reviewer")
	}
	return f.resolve(n, in.text("answer"), facts{"channel": in.text("channel")})
}

func (f *File) resolve(n *Note, answer string, more facts) error {
	switch {
	case n.State == NoteConfirmed || n.State == NoteWithdrawn:
		return refuse(ErrIllegalMove, "leave it out", "note %d is %s", n.Number, n.State)
	case f.act.By.Role == RoleCompany && n.Asked == 0:
		return refuse(ErrIllegalMove, "leave it out", "note %d was not sent to the company", n.Number)
	}
	n.Answer = answer
	f.turn(n, NoteResolved, EventNoteResolved, answer, more)
	return nil
}

// respond takes over what a company says to notes with its revision.
func (f *File) respond(responses []Response) error {
	if len(responses) > 0 && f.Case.State != StateRevision {
		return &FieldError{Field: "resolved", Problem: "answers notes, but no revision was asked for"}
	}
	seen := map[int]bool{}
	for _, r := range responses {
		n, err := f.numbered(int64(r.Note))
		if err != nil {
			return Named("resolved", err)
		}
		if seen[r.Note] {
			return &FieldError{Field: "resolved", Value: strconv.Itoa(r.Note), Problem: "is answered twice"}
		}
		seen[r.Note] = true
		answer, err := CleanText("answer", r.Answer, MaxText)
		if err != nil {
			return err
		}
		err = f.resolve(n, answer, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *File) confirmNote(in Input) error {
	n, err := f.numbered(in.count("note"))
	switch {
	case err != nil:
		return err
	case n.Kind == NoteInformational:
		return refuse(ErrIllegalMove, "nothing is left to do about it", "note %d is informational and only acknowledged", n.Number)
	case n.State == NoteConfirmed || n.State == NoteWithdrawn:
		return refuse(ErrIllegalMove, "", "note %d is %s already", n.Number, n.State)
	}
	f.turn(n, NoteConfirmed, EventNoteConfirmed, f.act.Reason, nil)
	return nil
}

func (f *File) reopenNote(in Input) error {
	n, err := f.numbered(in.count("note"))
	if err != nil {
		return err
	}
	if n.State == NoteOpen {
		return refuse(ErrIllegalMove, "", "note %d is open already", n.Number)
	}
	f.turn(n, NoteOpen, EventNoteReopened, f.act.Reason, nil)
	return nil
}

func (f *File) withdrawNote(in Input) error {
	n, err := f.numbered(in.count("note"))
	if err != nil {
		return err
	}
	if n.State == NoteConfirmed || n.State == NoteWithdrawn {
		return refuse(ErrIllegalMove, "reopen it first if it was settled by mistake", "note %d is %s", n.Number, n.State)
	}
	f.turn(n, NoteWithdrawn, EventNoteWithdrawn, f.act.Reason, nil)
	return nil
}

// askNotes marks the open notes as sent with the revision request of this round.
// It returns their numbers.
func (f *File) askNotes() string {
	var numbers []string
	for i, n := range f.Notes {
		if n.State == NoteOpen {
			f.Notes[i].Asked, f.Notes[i].Repeated = cmp.Or(n.Asked, f.Audit.Round), f.Audit.Round
			numbers = append(numbers, strconv.Itoa(n.Number))
		}
	}
	return strings.Join(numbers, " ")
}

// OpenNotes returns the open notes of a kind that the company has been sent, in
// the order in which they were written.
func (f *File) OpenNotes(kind NoteKind) []Note {
	return slices.DeleteFunc(slices.Clone(f.Notes), func(n Note) bool {
		return n.Kind != kind || n.State != NoteOpen || n.Repeated != f.Audit.Round
	})
}

// unsettled refuses to confirm a score over a note that the company has still to
// act on, or whose answer nobody has looked at.
func (f *File) unsettled() error {
	var words []string
	for _, n := range f.Notes {
		if n.Settled() {
			continue
		}
		state := "not answered"
		if n.State == NoteResolved {
			state = "answered, not confirmed"
		}
		words = append(words, strings.TrimSpace(fmt.Sprintf("%d %s", n.Number, n.Question))+" ("+state+")")
	}
	if len(words) == 0 {
		return nil
	}
	return refuse(ErrGuard, "confirm or withdraw each of them, or ask the company for a revision", "actionable notes are not settled: %s", joinAnd(words))
}

// requestRevision asks the company to revise its submission: the open notes go out
// with the question. A lead is told when the edition says that it goes on for long.
func (f *File) requestRevision(question string) error {
	data := facts{"round": strconv.Itoa(f.Audit.Round), "notes": f.askNotes()}
	err := f.move(StateRevision, EventRevisionRequested, question, data)
	if err != nil {
		return err
	}
	f.Audit.Question = question
	rule := f.Edition.Revisions
	long := !f.Audit.TakenIn.IsZero() && f.Today().After(f.Audit.TakenIn.AddDays(rule.TellDays))
	if f.Audit.Round > rule.TellRounds || long {
		f.record(EventRevisionsMany, "", facts{"round": strconv.Itoa(f.Audit.Round), "taken_in": f.Audit.TakenIn.String()})
	}
	return nil
}

// answerRevision records that the company answered in words and hands in no other
// sheet. It is a round like any other.
func (f *File) answerRevision(in Input) error {
	f.Audit.Round++
	data := f.keepRound()
	data["channel"] = in.text("channel")
	return f.revised(in.text("answer"), data)
}
