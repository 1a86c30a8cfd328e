package jobs

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"text/template"

	"secordesk/store/secor"
)

// words returns what the texts of a language may call.
func words(lang secor.Language) template.FuncMap {
	return template.FuncMap{
		"money":      lang.Money,
		"percent":    lang.Percent,
		"points":     lang.Points,
		"day":        lang.Date,
		"month":      lang.Month,
		"tax":        lang.Tax,
		"state":      func(s secor.State) string { return cmp.Or(inFrench(lang, string(s)), s.Words()) },
		"purpose":    func(p secor.Purpose) string { return cmp.Or(inFrench(lang, string(p)), string(p)) },
		"elements":   elementTable,
		"shortfalls": shortfalls,
		"trouble":    trouble,
		"contested":  contested,
		"account":    accountTable,
		"ageing":     ageingTable,
		"nearMiss":   nearMiss,
		"subject":    func(question string) string { return subject(lang, question) },
		"reached":    reached,

		"bouncedLetter": bouncedLetter,
		"window":        window,
		"callAt":        callAt,
		"stop":          stop,
	}
}

// stop ends a sentence with a name, whose own stop, as in "Ltd.", ends it already.
func stop(name string) string { return strings.TrimSuffix(name, ".") + "." }

// ReviewTime is how long a review takes, as the edition of the case promises it:
// "two to four weeks".
func (p letterPage) ReviewTime() string {
	policy, _ := p.File.Edition.Policy(secor.PolicyReview)
	if len(policy.Levels) == 0 {
		return map[secor.Language]string{secor.English: "some weeks", secor.French: "quelques semaines"}[p.Lang]
	}
	least, most := policy.Levels[0].AfterDays, policy.Breach().AfterDays
	unit := map[secor.Language]string{secor.English: "days", secor.French: "jours"}[p.Lang]
	switch {
	case policy.Unit == secor.UnitBusiness:
		unit = map[secor.Language]string{secor.English: "working days", secor.French: "jours ouvrables"}[p.Lang]
	case least%7 == 0 && most%7 == 0 && most > 7:
		least, most = least/7, most/7
		unit = map[secor.Language]string{secor.English: "weeks", secor.French: "semaines"}[p.Lang]
	}
	form := "%s to %s %s"
	switch {
	case least == most && p.Lang == secor.French:
		return fmt.Sprintf("jusqu’à %s %s", count(p.Lang, most), unit)
	case least == most:
		return fmt.Sprintf("up to %s %s", count(p.Lang, most), unit)
	case p.Lang == secor.French:
		form = "de %s à %s %s"
	}
	return fmt.Sprintf(form, count(p.Lang, least), count(p.Lang, most), unit)
}

// count says a number: up to ten in words.
func count(lang secor.Language, n int) string {
	said := strings.Fields("one two three four five six seven eight nine ten")
	if lang == secor.French {
		said = strings.Fields("un deux trois quatre cinq six sept huit neuf dix")
	}
	if n < 1 || n > len(said) {
		return strconv.Itoa(n)
	}
	return said[n-1]
}

// inFrench returns the French for a word of the rules that letters show; "" in
// another language.
func inFrench(lang secor.Language, word string) string {
	if lang != secor.French {
		return ""
	}
	switch word {
	case string(secor.StateCancelled):
		return "annulé"
	case string(secor.StateWithdrawn):
		return "retiré"
	case string(secor.StateLapsed):
		return "échu"
	case string(secor.StateNoAnswer):
		return "sans réponse"
	case string(secor.PurposeMaintenance):
		return "maintien"
	}
	return ""
}

// elementTable shows what every element of a score reached.
func elementTable(page letterPage) string {
	of, all := "of", "Overall"
	if page.Lang == secor.French {
		of, all = "sur", "Ensemble"
	}
	var b strings.Builder
	row := func(title string, awarded, available secor.Points) {
		fmt.Fprintf(&b, "    %s\t%s %s %s\t%s %%\n", title, page.Lang.Points(awarded), of, page.Lang.Points(available), page.Lang.Percent(awarded, available))
	}
	for i, e := range page.Score.Elements {
		title := page.File.Protocol.Elements[i].Title
		if page.Lang == secor.French {
			title = cmp.Or(page.File.Protocol.Elements[i].TitleFrench, title)
		}
		row(e.Element+" "+title, e.Awarded, e.Available)
	}
	row(all, page.Score.Awarded, page.Score.Available)
	return b.String()
}

// shortfalls lists what kept a score from passing, in the page's language.
func shortfalls(page letterPage) []string {
	text := map[string]string{"element": "element %s: %s of %s points is under %d %%", "overall": "overall: %s of %s points is under %d %%"}
	if page.Lang == secor.French {
		text = map[string]string{"element": "élément %s : %s points sur %s, moins de %d %%", "overall": "ensemble : %s points sur %s, moins de %d %%"}
	}
	under := func(awarded, available secor.Points, percent int) bool {
		return int64(awarded)*100 < int64(available)*int64(percent)
	}
	var found []string
	points, pass := page.Lang.Points, page.Pass
	if under(page.Score.Awarded, page.Score.Available, pass.Overall) {
		found = append(found, fmt.Sprintf(text["overall"], points(page.Score.Awarded), points(page.Score.Available), pass.Overall))
	}
	for _, e := range page.Score.Elements {
		if under(e.Awarded, e.Available, pass.Element) {
			found = append(found, fmt.Sprintf(text["element"], e.Element, points(e.Awarded), points(e.Available), pass.Element))
		}
	}
	return found
}

// trouble says in a few words what a lead is told.
func trouble(page letterPage) string {
	switch page.Cause.Kind {
	case secor.EventClockWarned, secor.EventClockBreach, secor.EventClockEscalated:
		policy, _ := page.File.Edition.Policy(page.Cause.Facts["policy"])
		if policy.Name == secor.PolicyPromise {
			return "a promise to pay was not kept"
		}
		said := map[secor.EventKind]string{secor.EventClockWarned: "soon due: ", secor.EventClockBreach: "late: ", secor.EventClockEscalated: "still late: "}
		return said[page.Cause.Kind] + policy.Title
	case secor.EventRegistrationAsked:
		return "the registration needs a decision"
	case secor.EventSubmissionAsked:
		return "the submission needs a decision"
	case secor.EventAssignmentStuck:
		return "no reviewer can take the audit"
	case secor.EventRevisionsMany:
		return "the review goes on for long: a revision was asked for in round " + page.Cause.Facts["round"]
	case secor.EventRevisionUncovered:
		return "a revision came in while its reviewer is away: " + page.Cause.Facts["why"]
	case secor.EventRequestUnassigned:
		return "the request is nobody's: who held it " + page.Cause.Facts["why"]
	case secor.EventRulingContested:
		return "a result was given by somebody in conflict"
	case secor.EventPaymentReversed:
		return "payment " + page.Cause.Facts["reference"] + " was reversed"
	case secor.EventInvoiceOverpaid:
		return "more was paid than asked: a credit of " + page.Cause.Facts["credit"]
	case secor.EventRevocationProposed:
		return "somebody proposes to revoke the certificate; second it or keep it"
	case secor.EventCertificateReturned:
		return "the certificate came back"
	case secor.EventBatchFailed:
		return fmt.Sprintf("batch %s for %s, which asks for %s certificates, could not be sent", page.Cause.Facts["batch"], page.File.Body.Name, page.Cause.Facts["certificates"])
	default:
		return "it needs a person"
	}
}

// contested says whose ruling cannot stand, and how it is taken back; "" in a letter
// about anything else.
func contested(page letterPage) string {
	if page.Cause.Kind != secor.EventRulingContested {
		return ""
	}
	id, _ := strconv.ParseInt(page.Cause.Facts["reviewer"], 10, 64)
	on, _ := secor.ParseDate(page.Cause.Facts["on"])
	did, way := "confirmed the result", "appeal"
	switch secor.EventKind(page.Cause.Facts["kind"]) {
	case secor.EventOneYearProposed:
		did, way = "proposed the one-year certificate", "decline one year, then appeal"
	case secor.EventOneYearGranted:
		did = "granted the one-year certificate"
	case secor.EventOneYearDeclined:
		did = "declined the one-year certificate"
	}
	if page.Certificate != nil && page.Certificate.State != secor.StateRevoked {
		way = "two people revoke the certificate, then appeal"
	}
	return fmt.Sprintf("%s, who %s on %s, had a conflict of interest with the company on that day, as is known now. The result stands until you act: %s, so that somebody else reviews the audit.",
		cmp.Or(nameOf(page.File, id), "Somebody"), did, on.Long(), way)
}

// bouncedLetter is the name under which the command line shows the letter that
// bounced.
func bouncedLetter(page letterPage) string {
	job := page.Cause.Facts["letter"]
	for _, k := range Kinds() {
		if string(k.Name) == job {
			return cmp.Or(k.Text, job)
		}
	}
	return job
}

// reached is how a letter calls the reader of one that bounced.
func reached(page letterPage) string {
	to, err := recipient(page.File, page.Cause.Facts["recipient"])
	if err != nil {
		return cmp.Or(page.Cause.Facts["recipient"], "its reader")
	}
	return to.Name
}

// callAt is the telephone number of the reader of a letter that bounced.
func callAt(page letterPage) string {
	if !strings.HasPrefix(page.Cause.Facts["recipient"], "company:") {
		return "no number is on file"
	}
	return cmp.Or(page.File.Company.Phone, "no number is on file; secordesk case correct --field phone puts one there")
}

// window says when the sites are down: "on Monday, 25 March 2024, from 21:00 to 23:00
// (Mountain Time)". One that ends on another day names both.
func window(page letterPage) string {
	w := page.File.WindowOf(page.Cause)
	first, last := secor.DateOf(w.From, w.From.Location()), secor.DateOf(w.To, w.To.Location())
	zone := zoneName(page.Lang, w.Province)
	from, to := w.From.Format("15:04"), w.To.Format("15:04")
	if page.Lang == secor.French {
		from, to = strings.Replace(from, ":", " h ", 1), strings.Replace(to, ":", " h ", 1)
		if first == last {
			return fmt.Sprintf("le %s, de %s à %s (%s)", page.Lang.Date(first), from, to, zone)
		}
		return fmt.Sprintf("du %s à %s au %s à %s (%s)", page.Lang.Date(first), from, page.Lang.Date(last), to, zone)
	}
	if first == last {
		return fmt.Sprintf("on %s from %s to %s (%s)", page.Lang.Date(first), from, to, zone)
	}
	return fmt.Sprintf("from %s on %s to %s on %s (%s)", from, page.Lang.Date(first), to, page.Lang.Date(last), zone)
}

// zoneName is how people call the time of a province.
func zoneName(lang secor.Language, province string) string {
	french := lang == secor.French
	switch {
	case province == "AB" && french:
		return "heure des Rocheuses"
	case province == "AB":
		return "Mountain Time"
	case province == "BC" && french:
		return "heure du Pacifique"
	case province == "BC":
		return "Pacific Time"
	case province == "MB" && french:
		return "heure du Centre"
	case province == "MB":
		return "Central Time"
	case french:
		return "heure de la province " + province
	default:
		return province + " time"
	}
}
