package jobs_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"secordesk/jobs"
	"secordesk/jobs/mail/sink"
	"secordesk/store"
	"secordesk/store/promise"
	"secordesk/store/secor"
)

// matrixRow says of one letter how a case comes to promise it, and what can happen
// before it leaves that ends its reason. A script is steps apart by "|"; each may
// begin with who takes it, the lead where nobody is named, and end with values.
type matrixRow struct {
	kind  secor.JobKind
	base  string // request, known, audit or bc, an audit where nothing is on paper
	setup string
	ends  []string
	after secor.EventKind // from which it follows; "": the first of the table of follows
	stays string          // why its reason cannot end; "": it can, or the kind is unending
	over  bool            // its time is over by the end of all scripts, so that it does not leave either
}

// Parts of setups.
const (
	sent      = "invoice | accepted invoice:send"
	paid      = sent + " | pay amount=157.50 method=cheque reference=0042"
	opened    = paid + " | approve"
	handed    = opened + " | submit"
	held      = handed + " | assign reviewer=R1"
	passed    = held + " | r1:confirm"
	asked     = passed + " | accepted score:send_pass | accepted certificate:request"
	numbered  = asked + " | record-number number=C-CASE issued-on=2026-03-25 expires-on=2029-03-25"
	short     = opened + " | submit months=7 | assign reviewer=R1 | r1:confirm"
	failed    = opened + " | submit marks=none | assign reviewer=R1 | r1:confirm"
	revise    = held + " | r1:query question=Why?"
	requested = "take | query question=Why?"
)

// matrix has a row for every kind of letter that follows from a step of a case.
var matrix = []matrixRow{
	{kind: secor.JobWelcome, base: "request", setup: "take | approve", ends: []string{"reopen"}},
	{kind: secor.JobRejection, base: "request", setup: "take | reject", ends: []string{"reopen", "reopen | reject"}},
	{kind: secor.JobNotRequired, base: "known", setup: "not-required", ends: []string{"reopen"}},
	{kind: secor.JobRequestQuestion, base: "request", setup: requested, ends: []string{"answer answer=So channel=phone", "no-answer", "withdraw", "answer answer=So channel=phone | query question=How?"}},
	{kind: secor.JobRequestClosed, base: "request", setup: requested + " | no-answer", ends: []string{"reopen"}},
	{kind: secor.JobAnswerReminder, base: "request", setup: requested + " | sweep 8", ends: []string{"answer answer=So channel=phone", "no-answer", "withdraw"}},
	{kind: secor.JobOfferClosing, base: "request", setup: requested + " | sweep 8 | sweep 8 | sweep 8", ends: []string{"answer answer=So channel=phone", "no-answer", "withdraw"}},
	{kind: secor.JobWarn, base: "request", setup: "take | sweep 3", ends: []string{"query question=Why?", "approve", "reject", "release", "sweep 5"}},
	{kind: secor.JobTellAdmin, base: "request", setup: "take | sweep 12", ends: []string{"query question=Why?", "approve", "withdraw"}},
	{kind: secor.JobEscalate, base: "request", setup: "take | sweep 6", after: secor.EventClockBreach, ends: []string{"approve", "reject", "withdraw", "sweep 9"}},
	{kind: secor.JobEscalate, base: "audit", setup: paid + " | reverse-payment reference=0042", after: secor.EventPaymentReversed, ends: []string{"pay amount=157.50 method=eft reference=0043"}},
	{kind: secor.JobEscalate, base: "audit", setup: sent + " | pay amount=200.00 method=eft reference=1", after: secor.EventInvoiceOverpaid, ends: []string{"refund amount=42.50 method=eft reference=2"}},
	{kind: secor.JobEscalate, base: "audit", setup: opened + " | submit headcount=11", after: secor.EventSubmissionAsked, ends: []string{"accept accept=headcount", "return", "withdraw"}},
	{kind: secor.JobEscalate, base: "audit", setup: numbered + " | sign | mailed | returned", after: secor.EventCertificateReturned, ends: []string{"ready", "revoke | admin:revoke"}},

	{kind: secor.JobEscalate, base: "request", setup: "r1:take | conflict R1 | unassign", after: secor.EventRequestUnassigned, ends: []string{"take", "reject"}},

	{kind: secor.JobRequestClosed, base: "request", setup: requested + " | withdraw", after: secor.EventRequestWithdrawn, ends: []string{"reopen"}},
	{kind: secor.JobAnswerReminder, base: "audit", setup: paid + " | query question=Why? | sweep 8", ends: []string{"answer answer=So channel=phone", "no-answer", "withdraw"}},
	{kind: secor.JobOfferClosing, base: "audit", setup: paid + " | query question=Why? | sweep 8 | sweep 8 | sweep 8", ends: []string{"answer answer=So channel=phone", "no-answer", "withdraw"}},
	{kind: secor.JobAuditClosed, base: "audit", setup: "invoice | withdraw", after: secor.EventAuditWithdrawn, ends: []string{"reopen"}},
	{kind: secor.JobAuditClosed, base: "audit", setup: opened + " | lapse", after: secor.EventAuditLapsed, ends: []string{"reopen"}},
	{kind: secor.JobAuditClosed, base: "audit", setup: paid + " | query question=Why? | no-answer", after: secor.EventAuditNoAnswer, ends: []string{"reopen"}},
	{kind: secor.JobTellReviewer, base: "audit", setup: failed + " | appeal reviewer=R2", after: secor.EventAuditAppealed, ends: []string{"r2:release", "withdraw"}},
	{kind: secor.JobTellReviewer, base: "audit", setup: revise + " | submit", after: secor.EventRevisionReceived, ends: []string{"r1:release", "withdraw", "r1:confirm", "return"}},
	{kind: secor.JobTellFormer, base: "audit", setup: held + " | release", after: secor.EventAuditHandedBack, ends: []string{"withdraw", "assign reviewer=R1"}},
	{kind: secor.JobTellFormer, base: "audit", setup: held + " | conflict R1 | unassign", after: secor.EventAuditUnassigned, ends: []string{"withdraw"}},
	{kind: secor.JobTellFormer, base: "request", setup: "r1:take | conflict R1 | unassign", after: secor.EventRequestUnassigned, ends: []string{"reject", "withdraw"}},
	{kind: secor.JobPass, base: "audit", setup: short + " | grant-one-year | admin:grant-one-year", after: secor.EventOneYearGranted, ends: []string{"lead:revoke | admin:revoke | appeal reviewer=R2"}},
	{kind: secor.JobReachByPhone, base: "request", setup: "take | bounce-at-desk escalation:warn_holder", after: secor.EventColleagueBounced,
		stays: "an address on the roster is no part of the case"},

	{kind: secor.JobInvoice, base: "audit", setup: "invoice", ends: []string{"void-invoice", "withdraw", "cancel", "pay amount=157.50 method=cheque reference=0042"}},
	{kind: secor.JobInvoiceReminder, base: "audit", setup: sent + " | sweep 22", ends: []string{"pay amount=157.50 method=cheque reference=0042", "void-invoice", "withdraw", "lapse", "promise-to-pay pays-on=LATER"}},
	{kind: secor.JobReceipt, base: "audit", setup: paid, ends: []string{"reverse-payment reference=0042"}},
	{kind: secor.JobStatement, base: "audit", setup: sent + " | statement"},
	{kind: secor.JobRegistrationQuestion, base: "audit", setup: paid + " | query question=Why?", ends: []string{"answer answer=So channel=phone", "no-answer", "withdraw", "cancel"}},
	{kind: secor.JobUnlock, base: "audit", setup: opened, ends: []string{"withdraw", "cancel", "lapse", "submit"}},
	{kind: secor.JobAuditClosed, base: "audit", setup: "invoice | cancel", ends: []string{"reopen"}},

	{kind: secor.JobSubmissionReceipt, base: "audit", setup: handed, ends: []string{"return", "withdraw"}},
	{kind: secor.JobInterim, base: "audit", setup: handed, ends: []string{"return", "withdraw"}},
	{kind: secor.JobAppealReceived, base: "audit", setup: failed + " | appeal reviewer=R2", ends: []string{"r2:confirm", "return", "withdraw"}},
	{kind: secor.JobTellReviewer, base: "audit", setup: held, ends: []string{"r1:release", "assign reviewer=R2", "withdraw", "r1:confirm", "return"}},
	{kind: secor.JobTellFormer, base: "audit", setup: held + " | assign reviewer=R2", after: secor.EventAuditAssigned, ends: []string{"withdraw", "assign reviewer=R1"}},
	{kind: secor.JobTakenAway, base: "audit", setup: held + " | conflict R1 | unassign", ends: []string{"withdraw", "accept accept=conflict"}},
	{kind: secor.JobReturned, base: "audit", setup: handed + " | return", ends: []string{"submit", "withdraw", "lapse"}},
	{kind: secor.JobRevision, base: "audit", setup: revise, ends: []string{"submit", "no-answer", "withdraw", "answer answer=So channel=phone"}},
	{kind: secor.JobRevisionReminder, base: "audit", setup: revise + " | sweep 15", ends: []string{"submit", "no-answer", "withdraw"}},

	{kind: secor.JobPass, base: "audit", setup: passed, ends: []string{"lead:revoke | admin:revoke | appeal reviewer=R2"}},
	{kind: secor.JobFail, base: "audit", setup: failed, ends: []string{"appeal reviewer=R2"}},
	{kind: secor.JobNotReviewed, base: "audit", setup: held + " | not-review", ends: []string{"reopen"}},
	{kind: secor.JobDeclined, base: "audit", setup: short + " | decline-one-year", ends: []string{"appeal reviewer=R2"}},
	{kind: secor.JobAskOneYear, base: "audit", setup: short, ends: []string{"decline-one-year", "grant-one-year | admin:grant-one-year"}},

	{kind: secor.JobRequestCertificate, base: "audit", setup: passed, ends: []string{"requested", "revoke | admin:revoke"}},
	{kind: secor.JobBodyAnswer, base: "audit", setup: asked + " | body-query question=Why? | body-answer answer=So channel=letter", ends: []string{"record-number number=C-CASE issued-on=2026-03-25 expires-on=2029-03-25", "revoke | admin:revoke"}},
	{kind: secor.JobMailed, base: "audit", setup: numbered + " | sign | mailed", ends: []string{"returned", "delivered", "revoke | admin:revoke"}},
	{kind: secor.JobElectronic, base: "bc", setup: asked + " | record-number number=B-CASE issued-on=2026-03-25 expires-on=2029-03-25 unusual=true | electronic", ends: []string{"delivered", "revoke | admin:revoke"}},
	{kind: secor.JobReplacement, base: "audit", setup: numbered + " | sign | mailed | replace", ends: []string{"accepted certificate:request | record-number number=D-CASE issued-on=2026-03-25 expires-on=2029-03-25", "revoke | admin:revoke"}},
	{kind: secor.JobRevocation, base: "audit", setup: passed + " | revoke | admin:revoke"},
	{kind: secor.JobTellBody, base: "audit", setup: asked + " | revoke | admin:revoke"},
	{kind: secor.JobTellBody, base: "audit", setup: passed + " | revoke | admin:revoke", over: true},
	{kind: secor.JobEscalate, base: "audit", setup: passed + " | revoke", after: secor.EventRevocationProposed, ends: []string{"keep", "admin:revoke"}},

	{kind: secor.JobReachByPhone, base: "request", setup: "take | reject | bounce request:send_rejection", ends: []string{"reached channel=phone", "correct field=email value=new@roy.example"}},
	{kind: secor.JobMaintenance, base: "audit", setup: opened + " | announce 400", ends: []string{"withdraw", "submit"}},
	{kind: secor.JobMaintenance, base: "audit", setup: opened + " | announce 5", over: true},
}

// unending are the letters whose reason cannot end once it is given, and why.
var unending = map[secor.JobKind]string{
	secor.JobRevocation: "a revoked certificate stays revoked; it is written about whatever comes",
	secor.JobTellBody:   "so does it for the body",
	secor.JobStatement:  "a statement shows what stands on the account when it leaves, void or not",
}

// unplayed are the letters after events to which no script comes yet, and what tests
// that their reason ends.
var unplayed = map[string]string{
	"invoice.adopted invoice:send":                  "store/secor: an adopted invoice is a draft like any other",
	"registration.asked escalation:tell_lead":       escalationRows,
	"assignment.stuck escalation:tell_lead":         escalationRows,
	"revision.uncovered escalation:tell_lead":       escalationRows,
	"revision.many escalation:tell_lead":            escalationRows,
	"ruling.contested escalation:tell_lead":         escalationRows,
	"certificate.batch_failed escalation:tell_lead": "cmd/secordesk: TestCertificates_BatchBounced sends it again and gives it up",
	"sheet.scored assignment:tell_reviewer":         "store/secor: the predicate is the same as after the other events of a holder",
}

const escalationRows = "store/secor: TestStillTrue_Escalations settles it by the rules alone"

// stage is a desk on which scripts are played, each case by a clock of its own.
type stage struct {
	*bench
	t      *testing.T
	mu     sync.Mutex
	now    time.Time
	last   time.Time
	actors map[string]secor.Actor
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, now: time.Date(2026, 3, 25, 16, 0, 0, 0, time.UTC)}
	s.last = s.now
	s.bench = newBenchAt(t, func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now })
	s.actors = map[string]secor.Actor{"lead": s.lead, "r1": secor.ByReviewer(s.reviewer(t, "Rita", 500)), "r2": secor.ByReviewer(s.reviewer(t, "Rob", 500))}
	var admin int64
	s.scan(t, &admin, `INSERT INTO reviewers (name, email, role, active, capacity) VALUES ('Ada Admin', 'admin@desk.example', 'admin', true, 0) RETURNING id`)
	s.actors["admin"] = secor.ByReviewer(admin)
	return s
}

func (s *stage) at(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
	if now.After(s.last) {
		s.last = now
	}
}

// open puts a case of a company of its own on the desk.
func (s *stage) open(base string) secor.CaseID {
	s.t.Helper()
	s.n++
	body, province, digits := "ab-pir", "AB", 7
	if base == "bc" {
		body, province, digits = "bc-worksafebc", "BC", 9
	}
	var company int64
	s.scan(s.t, &company, `
		WITH c AS (
			INSERT INTO companies (legal_name, trade_name, near_name, province, email, contact, street, city, address_province, postal_code, member, profile_since)
			VALUES ($1, '', $1, $6, $2, 'Ana Roy', '1 Main St', 'Town', $6, 'T2P 1A1', true, CASE WHEN $4 THEN date '2025-01-01' END) RETURNING id),
		r AS (INSERT INTO registrations SELECT id, $5, $3, true FROM c),
		p AS (INSERT INTO people (company_id, name) SELECT id, 'Ana Roy' FROM c RETURNING id),
		k AS (INSERT INTO courses SELECT id, 'Safety Program Development', '2025-06-01' FROM p)
		SELECT id FROM c`, fmt.Sprintf("Matrix %d", s.n), fmt.Sprintf("office@matrix%d.example", s.n), fmt.Sprintf("%0*d", digits, s.n), base != "request", body, province)
	act := secor.Act{ID: fmt.Sprintf("open:%d", s.n), By: s.lead, Surface: secor.SurfaceFile}
	var id secor.CaseID
	var err error
	switch base {
	case "audit", "bc":
		id, err = s.AddAudit(s.t.Context(), act, company, body, secor.Audit{Purpose: secor.PurposeRecertification, FeeYear: 2026, Headcount: 4, Claimed: secor.Evidence{Policies: 12, Records: 12}})
	case "known":
		id, err = s.AddRequest(s.t.Context(), act, company, "ab-pir", secor.Request{Reason: secor.ReasonNoProfile, Headcount: 4})
	default:
		id, err = s.AddRequest(s.t.Context(), act, company, "ab-pir", secor.Request{Reason: secor.ReasonNew, Headcount: 4})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// play plays a script on a case, a minute apart.
func (s *stage) play(id secor.CaseID, script string) error {
	for line := range strings.SplitSeq(script, "|") {
		s.at(s.now.Add(time.Minute))
		err := s.one(id, strings.TrimSpace(line))
		if err != nil {
			return fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
		}
	}
	return nil
}

func (s *stage) one(id secor.CaseID, line string) error {
	who, rest, named := strings.Cut(line, ":")
	by, known := s.actors[who]
	if !named || !known {
		by, rest = s.lead, line
	}
	words := strings.Fields(rest)
	in := secor.Input{}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		value = strings.NewReplacer("R1", fmt.Sprint(s.actors["r1"].ID), "R2", fmt.Sprint(s.actors["r2"].ID), "CASE", fmt.Sprint(id),
			"LATER", s.now.AddDate(0, 0, 5).Format(time.DateOnly)).Replace(value)
		in[name] = value
	}
	s.n++
	act := secor.Act{ID: fmt.Sprintf("matrix:%d", s.n), By: by, Surface: secor.SurfaceCLI, Reason: "so it is"}
	do := func(f *secor.File) error { return s.special(f, words, in) }
	switch words[0] {
	case "accepted", "unassign", "submit", "sweep", "bounce", "bounce-at-desk":
		act.By = secor.Desk
		if words[0] == "sweep" {
			var days int
			fmt.Sscan(words[1], &days)
			s.at(s.now.AddDate(0, 0, days))
		}
	case "announce":
	case "conflict":
		reviewer := s.actors["r1"].ID
		s.conflict(s.t, reviewer, id, secor.NewDate(2026, 1, 1))
		return nil
	default:
		f, err := s.File(s.t.Context(), id)
		if err != nil {
			return err
		}
		step, err := secor.StepFor(words[0], f.Case.Kind)
		if err != nil {
			return err
		}
		act.Assigns = step.Assigns
		do = func(f *secor.File) error { return step.Take(f, in) }
	}
	return s.UpdateCase(s.t.Context(), id, act, func(f *secor.File, _ time.Time) error { return do(f) })
}

// special does what is no step of a person: the engine's, the clock's, a file's.
func (s *stage) special(f *secor.File, words []string, in secor.Input) error {
	switch words[0] {
	case "unassign":
		return f.Unassign()
	case "accepted":
		return f.Accepted(secor.JobKind(words[1]), "company")
	case "sweep":
		_, err := f.ReachLevels()
		return err
	case "bounce":
		f.Bounced(1, secor.JobKind(words[1]), secor.ByCompany(f.Company.ID).String(), "5.1.1", "550 unknown mailbox")
		return nil
	case "bounce-at-desk":
		f.Bounced(1, secor.JobKind(words[1]), s.lead.String(), "5.1.1", "550 unknown mailbox")
		return nil
	case "announce":
		var days int
		fmt.Sscan(words[1], &days)
		end := f.Now().AddDate(0, 0, days)
		return f.AnnounceMaintenance(secor.Window{From: end.Add(-time.Hour), To: end, Province: "AB"})
	default:
		months := 12
		if in["months"] != "" {
			fmt.Sscan(in["months"], &months)
		}
		sheet := secor.Submission{Months: secor.Evidence{Policies: months, Records: months}, LastDay: secor.NewDate(2026, 3, 20), Headcount: 4}
		if in["headcount"] != "" {
			fmt.Sscan(in["headcount"], &sheet.Headcount)
		}
		own := secor.Points(s.n) // no two sheets are alike
		for _, e := range f.Protocol.Elements {
			for _, q := range e.Questions {
				m := secor.Mark{Question: q.ID, Awarded: q.Points, Available: q.Points}
				if in["marks"] == "none" {
					m.Awarded = 0
				}
				if q.Scale == secor.ScaleRange && own > 0 {
					part := min(own, q.Points)
					own -= part
					m.Awarded = max(m.Awarded-part, part-m.Awarded)
				}
				sheet.Marks = append(sheet.Marks, m)
			}
		}
		return f.Submit(sheet)
	}
}

// TestLetters_Matrix: each letter, and each way in which its reason can end before it
// leaves. Nothing leaves then, and the job is cancelled without a byte sent; where
// nothing happens, the letter leaves.
func TestLetters_Matrix(t *testing.T) {
	s := newStage(t)
	s.queue.start(t)
	type trial struct {
		kind secor.JobKind
		end  string // "": nothing happens
		over bool
		id   secor.CaseID
		job  int64
	}
	var trials []trial
	for _, row := range matrix {
		for _, end := range append([]string{""}, row.ends...) {
			trials = append(trials, trial{kind: row.kind, end: end, over: row.over, id: s.open(row.base)})
		}
	}
	begin := s.now
	targets := map[int64]bool{}
	i := 0
	for _, row := range matrix {
		for range len(row.ends) + 1 {
			tr := &trials[i]
			i++
			s.at(begin)
			err := s.play(tr.id, row.setup)
			if err != nil {
				t.Errorf("%s cannot be promised: %v", row.kind, err)
				continue
			}
			job, promised := s.promised(tr.id, row.kind)
			if !promised {
				t.Errorf("%s was not promised by %s", row.kind, row.setup)
				continue
			}
			tr.job, targets[job.ID] = job.ID, true
			s.wantCause(tr.id, job, row.event())
			if tr.end == "" {
				continue
			}
			err = s.play(tr.id, tr.end)
			if err != nil {
				t.Errorf("%s, then %s: %v", row.kind, tr.end, err)
			}
		}
	}
	if t.Failed() {
		return
	}
	t.Logf("%d letters promised, of which %d lose their reason", len(trials), len(trials)-len(matrix))
	s.at(s.last.Add(time.Minute))
	ids := []int64{}
	for id := range targets {
		ids = append(ids, id)
	}
	s.only(t, ids)
	server := s.mails(t, sink.Options{})
	s.awaitEnded(t, ids)
	left := map[string]bool{}
	for _, l := range read(t, server) {
		left[l.Job] = true
	}
	for _, tr := range trials {
		job, err := s.Job(t.Context(), tr.job)
		if err != nil {
			t.Fatal(err)
		}
		want := promise.Cancelled
		leaves := tr.end == "" && !tr.over
		if leaves {
			want = promise.Done
		}
		gone := left[fmt.Sprintf("job-%d@prairie.example", tr.job)]
		if job.State != want || gone != leaves || !leaves && !job.SendingAt.IsZero() {
			t.Errorf("%s, then %q: the job is %s, want %s (%s); left the house: %t", tr.kind, tr.end, job.State, want, job.LastError, gone)
		}
	}
}

// promised returns the case's last open job of a kind.
func (s *stage) promised(id secor.CaseID, kind secor.JobKind) (promise.Job, bool) {
	s.t.Helper()
	all, err := s.Jobs(s.t.Context(), store.JobFilter{CaseID: id, States: []promise.State{promise.Open}})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, job := range slices.Backward(all) {
		if job.Kind == string(kind) {
			return job, true
		}
	}
	return promise.Job{}, false
}

// only takes back every open job but these.
func (s *stage) only(t *testing.T, ids []int64) {
	t.Helper()
	var list []string
	for _, id := range ids {
		list = append(list, fmt.Sprint(id))
	}
	s.exec(t, `UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE state = 'open' AND id <> ALL (string_to_array($1, ',')::bigint[])`, strings.Join(list, ","))
}

func (s *stage) awaitEnded(t *testing.T, ids []int64) {
	t.Helper()
	for _, id := range ids {
		await(t, fmt.Sprintf("the end of job %d", id), func() bool {
			job, err := s.Job(t.Context(), id)
			return err == nil && job.State != promise.Open
		})
	}
}

// event is the one from which a row's letter follows.
func (r matrixRow) event() secor.EventKind {
	return cmp.Or(r.after, secor.FollowsTo(r.kind)[0].Event)
}

func (s *stage) wantCause(id secor.CaseID, job promise.Job, want secor.EventKind) {
	s.t.Helper()
	events, err := s.Events(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range events {
		if e.Seq == job.Cause && e.Kind != want {
			s.t.Errorf("%s follows from %s here, and its row says %s", job.Kind, e.Kind, want)
		}
	}
}

// TestLetters_MatrixIsWhole: no letter after an event without a row, and no row
// without an end.
func TestLetters_MatrixIsWhole(t *testing.T) {
	rows := map[string]bool{}
	for _, row := range matrix {
		rows[string(row.event())+" "+string(row.kind)] = true
		_, never := unending[row.kind]
		if never = never || row.stays != ""; !row.over && never != (len(row.ends) == 0) {
			t.Errorf("%s has %d ways in which its reason can end", row.kind, len(row.ends))
		}
	}
	for _, k := range jobs.Kinds() {
		for _, follow := range secor.FollowsTo(k.Name) {
			pair := string(follow.Event) + " " + string(k.Name)
			_, excused := unplayed[pair]
			if k.Letter != nil && rows[pair] == excused {
				t.Errorf("%s: has a row in the matrix of letters %t, and is said to have none %t", pair, rows[pair], excused)
			}
		}
	}
}
