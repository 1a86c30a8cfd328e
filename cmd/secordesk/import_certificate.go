package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"secordesk/store"
	"secordesk/store/secor"
)

// certificateAnswerKind is what a governing body answers to certificate requests.
func certificateAnswerKind() *recordKind {
	return &recordKind{name: "certificate_answer", plural: "certificate_answers", add: (*importer).addCertificateAnswer, key: []string{"body", "account", "case"},
		fields: slices.Concat(account("body", "account"), fieldList{
			{name: "case", format: formatCount, min: 1, max: 1_999_999},
			{name: "batch", format: formatCount, min: 1, max: 1_999_999},
			{name: "number", format: formatName, max: 40},
			{name: "issued_on", format: formatDate, past: true},
			{name: "expires_on", format: formatDate},
			{name: "unusual", format: formatFlag},
			{name: "question", format: formatText},
		})}
}

// addCertificateAnswer records number and dates of a certificate, or the body's
// question about it, by the person who imports, as the same step taken by hand would.
func (im *importer) addCertificateAnswer(ctx context.Context, r record) (store.Change, error) {
	if im.options.As == "" {
		return "", problem("", "a body's answer is recorded by a person; add --as with the e-mail address of a lead or an administrator")
	}
	if (r.text("number") == "") == (r.text("question") == "") {
		return "", problem("number", "is missing or stands beside a question; a line has the number of a certificate, or a question about it")
	}
	p, err := im.person(ctx, "--as", im.options.As)
	if err != nil {
		return "", err
	}
	taken, err := im.store.Taken(ctx, r.actID())
	if taken || err != nil {
		return store.Unchanged, err
	}
	f, err := im.requested(ctx, r)
	if err != nil {
		return "", err
	}
	name, input := "record-number", secor.Input{"number": r.text("number"), "issued-on": r.text("issued_on"), "expires-on": r.text("expires_on")}
	if r.flag("unusual", false) {
		input["unusual"] = "true"
	}
	if r.text("question") != "" {
		name, input = "body-query", secor.Input{"question": r.text("question")}
	}
	step, err := secor.StepFor(name, secor.SubjectAudit)
	if err != nil {
		return "", err
	}
	act := secor.Act{ID: r.actID(), By: secor.ByReviewer(p.ID), Surface: secor.SurfaceFile, Reason: "imported from " + im.file}
	return store.Added, im.store.UpdateCase(ctx, f.Case.ID, act, func(f *secor.File, _ time.Time) error { return step.Take(f, input) })
}

// requested returns the case that an answer is for: the one that it names, or the
// company's one case whose certificate was asked for. Another company's account, a
// certificate that was not asked for, and a case of another batch are refused.
func (im *importer) requested(ctx context.Context, r record) (*secor.File, error) {
	c, err := im.company(ctx, r)
	if err != nil {
		return nil, err
	}
	cases, err := im.store.CasesOf(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	var waiting []*secor.File
	for _, line := range cases {
		if line.Kind != secor.SubjectAudit || line.Body != r.text("body") || r.count("case") != 0 && int(line.ID) != r.count("case") {
			continue
		}
		f, err := im.store.File(ctx, line.ID)
		if err != nil {
			return nil, err
		}
		if r.count("case") != 0 || asked(f) {
			waiting = append(waiting, f)
		}
	}
	switch {
	case len(waiting) == 0 && r.count("case") != 0:
		return nil, &secor.FieldError{Field: "case", Value: r.text("case"), Problem: "is no audit of the company with account " + r.text("account")}
	case len(waiting) == 0:
		return nil, &secor.FieldError{Field: "account", Value: r.text("account"), Problem: "has no certificate that " + r.text("body") + " was asked for"}
	case len(waiting) > 1:
		return nil, &secor.FieldError{Field: "account", Value: r.text("account"), Problem: fmt.Sprintf(
			"has certificates of cases %d and %d that were asked for; add the case", waiting[0].Case.ID, waiting[1].Case.ID)}
	case !asked(waiting[0]):
		return nil, notAsked(waiting[0])
	}
	return waiting[0], im.inBatch(ctx, r, waiting[0])
}

func asked(f *secor.File) bool {
	c := f.Certificate()
	return c != nil && (c.State == secor.StateRequested || c.State == secor.StateBodyQueried)
}

func notAsked(f *secor.File) error {
	state := "none"
	if c := f.Certificate(); c != nil {
		state = c.State.Words()
	}
	return &secor.FieldError{Field: "case", Value: strconv.FormatInt(int64(f.Case.ID), 10), Problem: "has no certificate that the body was asked for (certificate: " + state + ")"}
}

// inBatch refuses a case that was not in the batch that an answer names.
func (im *importer) inBatch(ctx context.Context, r record, f *secor.File) error {
	if r.count("batch") == 0 {
		return nil
	}
	b, err := im.store.BodyBatch(ctx, int64(r.count("batch")))
	if err != nil {
		return err
	}
	if b.Body != f.Case.Body || !slices.ContainsFunc(b.Cases, func(c store.BatchCase) bool { return c.CaseID == f.Case.ID && c.InFile }) {
		return &secor.FieldError{Field: "batch", Value: r.text("batch"), Problem: fmt.Sprintf("did not ask for the certificate of case %d", f.Case.ID)}
	}
	return nil
}
