package promise

import "time"

// Card is a case as it is shown in a channel. It is what is true at the moment of
// posting; how it looks is the poster's affair. It names companies and never who
// works on the case, because a channel has more readers than the desk has people.
type Card struct {
	Key     string // unique for ever: a poster marks the message with it, so that a doubtful one can be looked for
	Channel string // "secor-desk"
	Sort    string // why it is posted: "request.received", the kind of the event
	Case    int64
	Version int    // of the case; a press on an older card is refused by the rules
	Kind    string // "request", "audit"
	State   string
	Company string
	Body    string    // id of the governing body
	Next    string    // whose turn it is: "office", "company", "body"; "" when it is closed
	Due     time.Time // of the office's promise; zero: none runs
	Notes   []string  // what a person has to know, each a sentence without its full stop
}

// PostError is an error of a poster that knows what became of a card. After any
// other error the card may have been posted.
type PostError struct {
	Ambiguous bool // it may have been posted; false: it certainly was not
	Permanent bool // of one that was not: the same card would be refused again
	Err       error
}

func (e *PostError) Error() string {
	if e.Ambiguous {
		return "card perhaps posted: " + e.Err.Error()
	}
	return "card not posted: " + e.Err.Error()
}

// Unwrap returns what the other side, or the way to it, had against the card.
func (e *PostError) Unwrap() error { return e.Err }
