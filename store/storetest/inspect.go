package storetest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Expected is what a test knows by itself about its steps, written by hand: that
// the engine agrees with its own tables proves nothing.
type Expected struct {
	// Follows has every kind of event that the test leads to, with the kinds of
	// the jobs that must follow each.
	Follows map[string][]string
	// Ticks has every schedule that the test knows, with the kind of the job that
	// must follow each of its ticks.
	Ticks map[string]string
	// Effects has every kind of job that the test leads to, with the kind of the
	// event that a done one has recorded; "" when it may have recorded nothing.
	// A kind whose effect is LetterSent sends a letter.
	Effects map[string]string
	// Once are kinds of events that a case has at most once.
	Once []string
	// Letters are the letters that the mail server took: by Message-ID, without
	// brackets, how often.
	Letters map[string]int
}

// LetterSent is the kind of the event that records a letter's receipt.
const LetterSent = "letter.sent"

// Inspect reads the tables of a desk that has become quiet after a fault, and of
// which nothing was purged, and returns in words everything that must not be: a
// promise that was lost, an effect that stands twice or without its job, a letter
// that was received more often than the desk admits. It shares no code with what it judges, so that both cannot be
// wrong in the same way.
func Inspect(ctx context.Context, db *sql.DB, want Expected) ([]string, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	defer tx.Rollback()
	i := &inspection{want: want, follows: map[place][]string{}, acts: map[string][]writtenEvent{}, retries: map[string]int{},
		jobs: map[string]*writtenJob{}, heads: map[string]int{}}
	for _, read := range []func(context.Context, *sql.Tx) error{i.readEvents, i.readTicks, i.readJobs, i.readHeads} {
		err = read(ctx, tx)
		if err != nil {
			return nil, fmt.Errorf("inspect: %w", err)
		}
	}
	for _, judge := range []func(){i.judgePromises, i.judgeEnds, i.judgeStreams, i.judgeActs, i.judgeOnce, i.judgeEffects, i.judgeLetters} {
		judge()
	}
	return i.findings, nil
}

// inspection is what stands in the tables, and what was found wrong with it.
type inspection struct {
	want     Expected
	events   []writtenEvent
	causes   []place                   // from which jobs may follow: events and ticks, in their order
	follows  map[place][]string        // the kinds of the jobs that must
	acts     map[string][]writtenEvent // events by act
	retries  map[string]int            // by a person, of jobs that were ambiguous, by act
	ids      []string                  // of jobs, as their acts are called, in the order of promising
	jobs     map[string]*writtenJob    // by act
	heads    map[string]int            // number of each stream's last event, as its case's row has it
	findings []string
}

// place is an event in its stream, "event 3", or a tick in its schedule, by its instant in UTC.
type place struct{ stream, at string }

type writtenEvent struct {
	stream, kind, act, facts string
	seq, part                int
	tx                       string // that wrote the row
	backwards                bool   // recorded before the event before it
}

type writtenJob struct {
	id                      int64
	act                     string // "job:12"
	kind, recipient, state  string
	cause                   place
	claimed, woken, sending bool
}

func (i *inspection) find(format string, args ...any) {
	i.findings = append(i.findings, fmt.Sprintf(format, args...))
}

func (j *writtenJob) String() string { return fmt.Sprintf("job %d (%s, %s)", j.id, j.kind, j.state) }

func (e writtenEvent) String() string {
	return fmt.Sprintf("%s event %d (%s)", e.stream, e.seq, e.kind)
}

const inspectEventsSQL = `
	SELECT stream, kind, act_id, facts, seq, part, xmin::text,
		coalesce(recorded_at < lag(recorded_at) OVER (PARTITION BY stream ORDER BY seq), false)
	FROM events
	ORDER BY stream, seq, part`

func (i *inspection) readEvents(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, inspectEventsSQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e writtenEvent
		err = rows.Scan(&e.stream, &e.kind, &e.act, &e.facts, &e.seq, &e.part, &e.tx, &e.backwards)
		if err != nil {
			return err
		}
		i.events = append(i.events, e)
		follows, known := i.want.Follows[e.kind]
		if !known {
			i.find("unexpected: %v", e)
		}
		i.mayFollow(place{e.stream, fmt.Sprintf("event %d", e.seq)}, follows)
		i.acts[e.act] = append(i.acts[e.act], e)
		i.retries[e.retried()]++
	}
	return rows.Err()
}

func (i *inspection) mayFollow(cause place, kinds []string) {
	i.causes = append(i.causes, cause)
	i.follows[cause] = kinds
}

func (i *inspection) readTicks(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT schedule, (instant AT TIME ZONE 'UTC')::text FROM ticks ORDER BY schedule, instant`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var tick place
		err = rows.Scan(&tick.stream, &tick.at)
		if err != nil {
			return err
		}
		kind, known := i.want.Ticks[tick.stream]
		if !known {
			i.find("unexpected: %s %s", tick.stream, tick.at)
			continue
		}
		i.mayFollow(tick, []string{kind})
	}
	return rows.Err()
}

const inspectJobsSQL = `
	SELECT id, 'job:' || id, kind, recipient, state, coalesce('case:' || case_id, schedule), coalesce('event ' || cause, (tick_at AT TIME ZONE 'UTC')::text),
		claimed_until IS NOT NULL OR token IS NOT NULL, woken_until IS NOT NULL, sending_at IS NOT NULL
	FROM jobs
	ORDER BY id`

func (i *inspection) readJobs(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, inspectJobsSQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var j writtenJob
		err = rows.Scan(&j.id, &j.act, &j.kind, &j.recipient, &j.state, &j.cause.stream, &j.cause.at, &j.claimed, &j.woken, &j.sending)
		if err != nil {
			return err
		}
		i.ids = append(i.ids, j.act)
		i.jobs[j.act] = &j
	}
	return rows.Err()
}

// retried returns the act of the ambiguous job that a person had done again with
// this event, and "" when it is another event.
func (e writtenEvent) retried() string {
	var facts struct{ Job, Was string }
	err := json.Unmarshal([]byte(e.facts), &facts)
	if err != nil || e.kind != "job.retried" || facts.Was != "ambiguous" {
		return ""
	}
	return "job:" + facts.Job
}

func (i *inspection) readHeads(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT 'case:' || id, last_seq FROM cases`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var stream string
		var seq int
		err = rows.Scan(&stream, &seq)
		if err != nil {
			return err
		}
		i.heads[stream] = seq
	}
	return rows.Err()
}

// all returns the jobs in the order in which they were promised.
func (i *inspection) all() []*writtenJob {
	all := make([]*writtenJob, len(i.ids))
	for n, id := range i.ids {
		all[n] = i.jobs[id]
	}
	return all
}

// judgePromises: what must follow was promised, once for each recipient, and
// nothing else was.
func (i *inspection) judgePromises() {
	type promise struct {
		cause           place
		kind, recipient string
	}
	made := map[promise]int{}
	for _, j := range i.all() {
		p := promise{j.cause, j.kind, j.recipient}
		made[p]++
		if made[p] == 2 {
			i.find("promised twice: %v", j)
		}
		made[promise{cause: j.cause, kind: j.kind}]++
		if !slices.Contains(i.follows[j.cause], j.kind) {
			i.find("follows from nothing: %v", j)
		}
	}
	for _, cause := range i.causes {
		for _, kind := range i.follows[cause] {
			if made[promise{cause: cause, kind: kind}] == 0 {
				i.find("lost: %s %s is not followed by %s", cause.stream, cause.at, kind)
			}
		}
	}
}

// judgeEnds: every job reached a final state and nobody holds it.
func (i *inspection) judgeEnds() {
	for _, j := range i.all() {
		switch {
		case !slices.Contains([]string{"done", "failed", "cancelled", "ambiguous"}, j.state):
			i.find("lost: %v did not come to an end", j)
		case j.state == "ambiguous" && !j.sending:
			i.find("%v was never being sent", j)
		}
		if j.claimed || j.woken {
			i.find("%v is still held", j)
		}
	}
}

// judgeStreams: the numbers of a stream have no gap, no double and no tail that its
// case does not know, and its time does not run backwards.
func (i *inspection) judgeStreams() {
	last := map[string]int{}
	for _, e := range i.events {
		if e.seq != last[e.stream]+1 {
			i.find("%v stands after event %d", e, last[e.stream])
		}
		if e.backwards {
			i.find("%v was recorded before the event before it", e)
		}
		last[e.stream] = e.seq
	}
	for _, stream := range slices.Sorted(maps.Keys(i.heads)) {
		if i.heads[stream] != last[stream] {
			i.find("%s ends with event %d, its case says %d", stream, last[stream], i.heads[stream])
		}
	}
}

// judgeActs: a job recorded what it did in one transaction, on its own case only,
// and nothing of it twice.
func (i *inspection) judgeActs() {
	for _, act := range slices.Sorted(maps.Keys(i.acts)) {
		if strings.HasPrefix(act, "job:") && i.jobs[act] == nil {
			i.find("%v was done by %s, which nobody promised", i.acts[act][0], act)
		}
	}
	for _, j := range i.all() {
		kinds := map[string]bool{}
		for n, e := range i.acts[j.act] {
			switch {
			case e.stream != j.cause.stream:
				i.find("%v acted on another case: %v", j, e)
			case e.tx != i.acts[j.act][0].tx, e.part != n+1, kinds[e.kind]:
				i.find("effect twice: %v recorded %v once more", j, e)
			}
			kinds[e.kind] = true
		}
	}
}

// judgeOnce: what can happen only once on a case did not happen twice.
func (i *inspection) judgeOnce() {
	seen := map[[2]string]bool{}
	for _, e := range i.events {
		key := [2]string{e.stream, e.kind}
		if seen[key] && slices.Contains(i.want.Once, e.kind) {
			i.find("effect twice: %v", e)
		}
		seen[key] = true
	}
}

// judgeEffects: a done job has its effect, and any other has none.
func (i *inspection) judgeEffects() {
	for _, j := range i.all() {
		effect, known := i.want.Effects[j.kind]
		acts := i.acts[j.act]
		has := slices.ContainsFunc(acts, func(e writtenEvent) bool { return e.kind == effect })
		switch {
		case !known:
			i.find("unexpected: %v", j)
		case j.state != "done" && len(acts) > 0:
			i.find("%v has an effect: %v", j, acts[0])
		case j.state == "done" && effect != "" && !has:
			i.find("lost: %v has no effect %s", j, effect)
		}
	}
}

// judgeLetters: what was received was sent by a job that admits it, and twice only
// what a person had sent again in doubt.
func (i *inspection) judgeLetters() {
	ofJob := regexp.MustCompile(`^job-([0-9]+)@`)
	received := map[string]int{}
	for _, id := range slices.Sorted(maps.Keys(i.want.Letters)) {
		match := ofJob.FindStringSubmatch(id)
		if match == nil {
			i.find("letter %s was received and is no job's", id)
			continue
		}
		act := "job:" + strings.TrimLeft(match[1], "0")
		if i.jobs[act] == nil {
			i.find("letter %s was received and nobody promised it", id)
		}
		received[act] += i.want.Letters[id]
	}
	for _, j := range i.all() {
		i.judgeLetter(j, received[j.act])
	}
}

func (i *inspection) judgeLetter(j *writtenJob, received int) {
	sends := i.want.Effects[j.kind] == LetterSent
	switch {
	case received > 0 && !sends:
		i.find("%v sends no letters and one was received", j)
	case received > 1+i.retries[j.act]:
		i.find("sent twice: the letter of %v was received %d times, and %d times a person had it sent again in doubt", j, received, i.retries[j.act])
	case received > 0 && !j.sending:
		i.find("the letter of %v was received and it says that nothing was sent", j)
	case received == 0 && sends && j.state == "done":
		i.find("lost: the letter of %v was not received", j)
	}
}
