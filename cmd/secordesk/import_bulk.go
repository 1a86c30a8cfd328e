package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"secordesk/store"
	"secordesk/store/secor"
)

// maxChunk is how many lines are looked at together. Lines of a chunk are in or
// out one by one all the same; only a fault takes back what of it is not written.
const maxChunk = 512

// payAtOnce is how many payments are written at the same time: while one waits for the
// disk, the others go on.
const payAtOnce = 6

// lineOutcome is what came of one line.
type lineOutcome struct {
	came     store.Change
	problems []error
}

// chunk gathers the lines of one file and kind that are looked at together.
type chunk struct {
	kind    *recordKind
	file    string
	entries []entry
}

// takes reports whether an entry may join: of a kind that is not taken in bulk,
// each line is a chunk of its own, so that what is said comes at once.
func (c *chunk) takes(e entry) bool {
	return len(c.entries) == 0 || len(c.entries) < maxChunk && e.kind == c.kind && e.file == c.file && e.kind != nil && e.kind.bulk != nil
}

// takeAll takes the entries of a chunk and returns what came of each. The error, a
// fault, names the first line that may not be in.
func (im *importer) takeAll(ctx context.Context, entries []entry) ([]lineOutcome, error) {
	outcomes := make([]lineOutcome, len(entries))
	var whole []int // entries that can be read and are no other's twin
	for i, e := range entries {
		problems, err := im.readable(ctx, e)
		if err != nil {
			return nil, fmt.Errorf("import %s: %w", e.place(), err)
		}
		outcomes[i].problems = problems
		if len(problems) == 0 {
			whole = append(whole, i)
		}
	}
	done := make([]bool, len(entries))
	if len(whole) > 1 {
		records := make([]record, len(whole))
		for n, i := range whole {
			records[n] = entries[i].record
		}
		came, err := entries[0].kind.bulk(im, ctx, records)
		if err != nil {
			return nil, fmt.Errorf("import %s: %w", entries[whole[0]].place(), err)
		}
		for n, i := range whole {
			outcomes[i], done[i] = came[n], came[n].came != "" || len(came[n].problems) > 0
		}
	}
	for _, i := range whole {
		if done[i] {
			continue
		}
		var err error
		outcomes[i], err = im.one(ctx, entries[i])
		if err != nil {
			return nil, fmt.Errorf("import %s: %w", entries[i].place(), err)
		}
	}
	return outcomes, nil
}

// one takes a single entry in.
func (im *importer) one(ctx context.Context, e entry) (lineOutcome, error) {
	came, err := im.add(ctx, e)
	return judged(came, err)
}

// judged tells refusals, which are what came of the line, from faults.
func judged(came store.Change, err error) (lineOutcome, error) {
	if err != nil && errors.Is(err, secor.ErrRefused) {
		return lineOutcome{problems: flat(plain(err))}, nil
	}
	return lineOutcome{came: came}, err
}

// addCompanies takes in the companies that are plainly new or plainly as they are
// on file, and leaves all others to addCompany, which finds the words.
func (im *importer) addCompanies(ctx context.Context, records []record) ([]lineOutcome, error) {
	outcomes := make([]lineOutcome, len(records))
	if im.options.AcceptNearNames {
		return outcomes, nil
	}
	accounts := make([]store.Account, len(records))
	for i, r := range records {
		accounts[i] = store.Account{Body: r.text("body"), Number: r.text("account")}
	}
	onFile, err := im.store.CompaniesByAccount(ctx, accounts)
	if err != nil {
		return nil, err
	}
	var entries []store.CompanyEntry
	var at []int
	for i, r := range records {
		old, known := onFile[accounts[i]]
		switch {
		case !known:
			entries, at = append(entries, im.companyEntry(r)), append(at, i)
		case described(old.Company, r) == old.Company && r.flag("good_standing", old.GoodStanding) == old.GoodStanding:
			outcomes[i].came = store.Unchanged
		}
	}
	added, err := im.store.AddNewCompanies(ctx, entries)
	if err != nil && errors.Is(err, secor.ErrRefused) {
		return outcomes, nil // by whom, one by one will tell
	}
	for n, is := range added {
		if is {
			outcomes[at[n]].came = store.Added
		}
	}
	return outcomes, err
}

func (im *importer) companyEntry(r record) store.CompanyEntry {
	return store.CompanyEntry{Act: im.deskAct(r, "company"), Company: described(secor.Company{}, r),
		Account: secor.Registration{Body: r.text("body"), Account: r.text("account"), GoodStanding: r.flag("good_standing", true)}}
}

// addPayments records the payments whose company has one audit of the year, several
// at the same time, those of one audit in the order of the file. All others it
// leaves to addPayment.
func (im *importer) addPayments(ctx context.Context, records []record) ([]lineOutcome, error) {
	outcomes := make([]lineOutcome, len(records))
	if im.options.As == "" || im.options.batched() {
		return outcomes, nil
	}
	p, err := im.store.ReviewerByEmail(ctx, im.options.As)
	if err != nil {
		return outcomes, ignoreRefusal(err)
	}
	acts, accounts, years := make([]string, len(records)), make([]store.Account, len(records)), make([]int, len(records))
	for i, r := range records {
		acts[i], years[i], accounts[i] = r.actID(), r.count("fee_year"), store.Account{Body: r.text("body"), Number: r.text("account")}
	}
	taken, err := im.store.TakenOf(ctx, acts)
	if err != nil {
		return nil, err
	}
	audits, err := im.store.AuditsByAccount(ctx, accounts, years)
	if err != nil {
		return nil, err
	}
	lanes := make([][]int, payAtOnce)
	for i := range records {
		switch {
		case taken[acts[i]]:
			outcomes[i].came = store.Unchanged
		case len(audits[i]) == 1:
			lane := int(audits[i][0]) % payAtOnce
			lanes[lane] = append(lanes[lane], i)
		}
	}
	return outcomes, im.inLanes(lanes, func(i int) error {
		var err error
		outcomes[i], err = judged(store.Added, im.pay(ctx, records[i], audits[i][0], p))
		return err
	})
}

func ignoreRefusal(err error) error {
	if errors.Is(err, secor.ErrRefused) {
		return nil
	}
	return err
}

// inLanes does the work of all lanes at the same time, each lane's in its order.
func (im *importer) inLanes(lanes [][]int, do func(i int) error) error {
	faults := make([]error, len(lanes))
	var group sync.WaitGroup
	for n, lane := range lanes {
		group.Go(func() {
			for _, i := range lane {
				faults[n] = do(i)
				if faults[n] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	return errors.Join(faults...)
}

// pay takes the step of a payment, a reversal or a refund on the audit that it is for.
func (im *importer) pay(ctx context.Context, r record, audit secor.CaseID, p secor.Reviewer) error {
	name, input, _ := r.moneyStep()
	step, err := secor.StepFor(name, secor.SubjectAudit)
	if err != nil {
		return err
	}
	act := secor.Act{ID: r.actID(), By: secor.ByReviewer(p.ID), Surface: secor.SurfaceFile,
		Reason: cmp.Or(r.text("reason"), "imported from "+im.file), Assigns: step.Assigns}
	if r.text("entry") == entryReversal {
		f, err := im.store.File(ctx, audit)
		if err != nil {
			return err
		}
		act.HappenedAt = im.bouncedAt(f, r)
	}
	return im.store.UpdateCase(ctx, audit, act, func(f *secor.File, _ time.Time) error {
		err := r.sameAmount(f)
		if err != nil {
			return err
		}
		return step.Take(f, input)
	})
}
