package secor

var undecided = []State{StateReceived, StateInReview}

func requestSteps() []Step {
	question := []Field{{Name: "question", Help: "what the company is asked", Type: FieldText, Required: true}}
	answer := []Field{
		{Name: "answer", Help: "what the company said", Type: FieldText, Required: true},
		{Name: "channel", Help: "how it came", Type: FieldChoice, Choices: Channels()},
	}
	return []Step{
		{Name: "take", Label: "Take", Help: "Take the request; you are its holder.", Example: "take 12",
			Kind: SubjectRequest, From: []State{StateReceived}, Who: anyone, do: (*File).takeRequest},
		{Name: "release", Label: "Hand Back", Help: "Put the request back into the queue.", Example: "release 12",
			Kind: SubjectRequest, From: []State{StateInReview}, Who: anyone, do: (*File).releaseRequest},
		{Name: "approve", Label: "Approve", Help: "Take the company on; the welcome letter follows.", Example: "approve 12",
			Kind: SubjectRequest, From: undecided, Who: anyone, Accepts: MomentRequest, do: (*File).approveRequest},
		{Name: "reject", Label: "Reject", Help: "Refuse the company with a reason, which the letter gives.", Example: `reject 12 --reason "11 people; please apply for COR"`,
			Kind: SubjectRequest, From: undecided, Who: anyone, Reason: true, do: (*File).rejectRequest},
		{Name: "not-required", Label: "Not Required", Help: "Say that a company on file needs no request.", Example: "not-required 12",
			Kind: SubjectRequest, From: undecided, Who: append(anyone[:3:3], RoleDesk), do: (*File).requestNotRequired},
		{Name: "query", Label: "Ask the Company", Help: "Ask the company; its time runs until it answers.", Example: `query 12 --question "Which account number is right?"`,
			Kind: SubjectRequest, From: undecided, Who: anyone, Fields: question, do: (*File).queryRequest},
		{Name: "answer", Label: "Record Answer", Help: "Record the company's answer.", Example: `answer 12 --answer "1234567" --channel phone`,
			Kind: SubjectRequest, From: []State{StateQueried}, Who: sender, Fields: answer, do: (*File).answerRequest},
		{Name: "no-answer", Label: "No Answer", Help: "Close a request that the company never answered.", Example: `no-answer 12 --reason "three letters, two calls"`,
			Kind: SubjectRequest, From: []State{StateQueried}, Who: anyone, Reason: true, do: (*File).requestNoAnswer},
		{Name: "withdraw", Label: "Withdraw", Help: "Close a request that the company took back.", Example: `withdraw 12 --reason "by phone, Mr Roy"`,
			Kind: SubjectRequest, From: []State{StateReceived, StateInReview, StateQueried}, Who: sender, Reason: true, do: (*File).withdrawRequest},
		{Name: "reopen", Label: "Reopen", Help: "Open a closed request again.", Example: `reopen 12 --reason "sent the missing page"`,
			Kind: SubjectRequest, From: []State{StateApproved, StateRejected, StateNotRequired, StateNoAnswer, StateWithdrawn},
			Who: leads, Reason: true, do: (*File).reopenRequest},
	}
}

// Channels returns the ways on which an answer can come.
func Channels() []string { return []string{"email", "phone", "post", "portal", "visit"} }

// RequestNeeded reports whether the company needs this request at all: it has no
// profile here, switches to this partner, or is new to the programme.
//
// Source: the programme page lists these three and no other.
func (f *File) RequestNeeded() bool {
	return f.Company.ProfileSince.IsZero() || f.Request.Reason != ReasonNoProfile
}

// whyNeeded says in a clause why RequestNeeded is true.
func (f *File) whyNeeded() string {
	switch {
	case f.Company.ProfileSince.IsZero():
		return "the company has no profile here"
	case f.Request.Reason == ReasonSwitching:
		return "the company switches to this partner"
	default:
		return "the company is new to the programme"
	}
}

func (f *File) takeRequest(Input) error {
	f.FindProfiles() // it may be taken before the desk has looked
	f.Case.Holder = f.act.By.ID
	return f.move(StateInReview, EventRequestTaken, f.act.Reason, nil)
}

func (f *File) releaseRequest(Input) error {
	f.Case.Holder = 0
	return f.move(StateReceived, EventRequestReleased, f.act.Reason, nil)
}

func (f *File) approveRequest(Input) error {
	data := facts{}
	if f.Company.ProfileSince.IsZero() {
		f.Company.ProfileSince = f.Today()
		data[factProfile] = "opened"
	}
	return f.move(StateApproved, EventRequestApproved, f.act.Reason, data)
}

func (f *File) rejectRequest(Input) error {
	return f.move(StateRejected, EventRequestRejected, f.act.Reason, nil)
}

func (f *File) requestNotRequired(Input) error {
	// Its letter says so to the company, whoever decides it.
	if f.RequestNeeded() {
		return refuse(ErrGuard, "approve it, or reject it with a reason", "the request is needed: %s", f.whyNeeded())
	}
	return f.move(StateNotRequired, EventRequestNotRequired, f.act.Reason, nil)
}

func (f *File) queryRequest(in Input) error {
	if f.Case.State == StateReceived {
		err := f.takeRequest(nil)
		if err != nil {
			return err
		}
	}
	err := f.move(StateQueried, EventRequestQueried, in.text("question"), nil)
	if err == nil {
		f.Request.Question = in.text("question")
	}
	return err
}

func (f *File) answerRequest(in Input) error {
	return f.move(StateInReview, EventRequestAnswered, in.text("answer"), facts{"channel": in.text("channel")})
}

func (f *File) requestNoAnswer(Input) error {
	return f.move(StateNoAnswer, EventRequestNoAnswer, f.act.Reason, nil)
}

func (f *File) withdrawRequest(Input) error {
	return f.move(StateWithdrawn, EventRequestWithdrawn, f.act.Reason, nil)
}

// factProfile marks the approval that opened the company's profile.
const factProfile = "profile"

// reopenRequest takes a request up again. The profile that its approval opened is
// closed until it is approved once more.
func (f *File) reopenRequest(Input) error {
	if f.Case.State == StateApproved && f.LastMove.Facts[factProfile] == "opened" {
		f.Company.ProfileSince = Date{}
	}
	f.Case.Holder = f.act.By.ID
	return f.move(StateInReview, EventRequestReopened, f.act.Reason, nil)
}
