package secor

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wantMoves is design section 5 in our own words, one line per state; what the
// design leaves to a person's judgement (who may cancel when) is marked "ours".
var wantMoves = map[Subject]string{
	SubjectRequest: `
		received      in_review approved rejected not_required withdrawn
		in_review     queried approved rejected not_required withdrawn received
		queried       in_review no_answer withdrawn
		approved      in_review
		rejected      in_review
		not_required  in_review
		no_answer     in_review
		withdrawn     in_review`,
	SubjectAudit: `
		registered            awaiting_payment registration_review cancelled withdrawn
		awaiting_payment      registration_review cancelled withdrawn lapsed
		registration_review   registration_queried open cancelled withdrawn
		registration_queried  registration_review no_answer cancelled withdrawn
		open                  submitted lapsed cancelled withdrawn
		submitted             in_qa open withdrawn
		in_qa                 revision qa_complete open not_reviewed submitted withdrawn
		revision              in_qa submitted no_answer withdrawn
		qa_complete           in_qa
		not_reviewed          submitted
		cancelled             registered
		withdrawn             registered
		lapsed                registered
		no_answer             registered`,
	SubjectInvoice: `
		draft  sent paid void
		sent   paid void
		paid   sent
		void`,
	SubjectCertificate: `
		due           requested revoked
		requested     body_queried received revoked
		body_queried  requested revoked
		received      signed mailed electronic revoked replaced
		signed        mailed electronic revoked replaced
		mailed        returned delivered revoked replaced
		returned      received signed revoked replaced
		electronic    delivered revoked replaced
		delivered     revoked replaced
		revoked
		replaced`,
}

func movesOf(t *testing.T, s Subject) map[State][]State {
	t.Helper()
	table := map[State][]State{}
	for _, line := range strings.Split(strings.TrimSpace(wantMoves[s]), "\n") {
		words := strings.Fields(line)
		table[State(words[0])] = nil
		for _, to := range words[1:] {
			table[State(words[0])] = append(table[State(words[0])], State(to))
		}
	}
	return table
}

func TestMoves_EveryPair(t *testing.T) {
	for _, s := range Subjects() {
		want := movesOf(t, s)
		states := slices.Sorted(maps.Keys(want))
		if diff := cmp.Diff(states, slices.Sorted(slices.Values(States(s)))); diff != "" {
			t.Errorf("States(%s) (-want +got):\n%s", s, diff)
		}
		for _, from := range states {
			for _, to := range states {
				err := legal(s, from, to)
				if slices.Contains(want[from], to) {
					if err != nil {
						t.Errorf("%s: %s to %s: %v", s, from, to, err)
					}
					continue
				}
				wrong := refused(err, ErrIllegalMove, from.Words())
				if wrong != nil {
					t.Errorf("%s: %s to %s: %v", s, from, to, wrong)
				}
			}
		}
	}
}

func TestMoveError_NamesWhereItCanGo(t *testing.T) {
	for _, s := range Subjects() {
		for from, legalFrom := range movesOf(t, s) {
			var refusal *MoveError
			err := legal(s, from, "nowhere")
			if !errors.As(err, &refusal) {
				t.Fatalf("%s: %s to nowhere: got %v, want a MoveError", s, from, err)
			}
			for _, to := range legalFrom {
				if !strings.Contains(err.Error(), to.Words()) {
					t.Errorf("%s: %q does not name %s", s, err, to.Words())
				}
			}
			if len(legalFrom) == 0 && !strings.Contains(err.Error(), "stays so") {
				t.Errorf("%s: %q does not say that %s is final", s, err, from)
			}
		}
	}
	got := legal(SubjectRequest, StateQueried, StateApproved).Error()
	want := "the request is queried and cannot become approved; from here it can become in review, no answer or withdrawn"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestStates_AreReachedFromTheFirst(t *testing.T) {
	first := map[Subject]State{SubjectRequest: StateReceived, SubjectAudit: StateRegistered, SubjectInvoice: StateDraft, SubjectCertificate: StateDue}
	for _, s := range Subjects() {
		if States(s)[0] != first[s] {
			t.Errorf("the first state of %s is %s, want %s", s, States(s)[0], first[s])
		}
		table := Moves(s)
		reached := []State{first[s]}
		for i := 0; i < len(reached); i++ {
			for _, to := range table[reached[i]] {
				if !slices.Contains(reached, to) {
					reached = append(reached, to)
				}
			}
		}
		for _, state := range States(s) {
			if !slices.Contains(reached, state) {
				t.Errorf("%s: nothing leads to %s", s, state)
			}
		}
	}
}

func TestNext_IsSomebodyUntilTheEnd(t *testing.T) {
	office := []State{StateReceived, StateInReview, StateRegistered, StateRegistrationReview, StateSubmitted, StateInQA,
		StateDraft, StateDue, StateBodyQueried, StateSigned, StateReturned}
	company := []State{StateQueried, StateAwaitingPayment, StateRegistrationQueried, StateOpen, StateRevision, StateSent}
	for _, s := range Subjects() {
		for _, state := range States(s) {
			want := Party("")
			switch {
			case slices.Contains(office, state):
				want = PartyOffice
			case slices.Contains(company, state):
				want = PartyCompany
			case state == StateRequested:
				want = PartyBody
			}
			if got := Next(s, state); got != want {
				t.Errorf("Next(%s, %s) = %q, want %q", s, state, got, want)
			}
		}
	}
}

func TestAllStates_OnceEach(t *testing.T) {
	all := AllStates()
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("AllStates is not sorted and unique: %v", all)
	}
	for _, s := range Subjects() {
		for _, state := range States(s) {
			if !slices.Contains(all, state) {
				t.Errorf("AllStates lacks %s of %s", state, s)
			}
		}
	}
}
