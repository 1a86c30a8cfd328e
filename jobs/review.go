package jobs

import (
	"cmp"
	"fmt"
	"strings"

	"secordesk/store/secor"
)

// reviewKinds are the letters that follow what a company hands in: the receipt of
// each submission, and the Letter of Interim for the first one that goes to a
// review; and the news that an audit is reviewed again. What a reviewer asks for is told by the assignment's kinds.
func reviewKinds() []Kind {
	return []Kind{
		write(secor.JobSubmissionReceipt, "submission_received"),
		write(secor.JobInterim, "interim"),
		write(secor.JobAppealReceived, "appeal_received"),
	}
}

// subjectWords are what a note can be about that is no question.
var subjectWords = map[secor.Language]map[string]string{
	secor.English: {secor.SubjectMonths: "months of papers", secor.SubjectHeadcount: "number of people", secor.SubjectLastDay: "last day of the assessment",
		secor.SubjectName: "legal name", secor.SubjectEvidence: "address of the evidence"},
	secor.French: {secor.SubjectMonths: "mois de documents", secor.SubjectHeadcount: "nombre de personnes", secor.SubjectLastDay: "dernier jour de l’autoévaluation",
		secor.SubjectName: "nom légal", secor.SubjectEvidence: "adresse des preuves"},
}

// subject is what a note is about, in the middle of a sentence.
func subject(lang secor.Language, question string) string {
	return cmp.Or(subjectWords[lang][question], "question "+question)
}

// missWords are the sentences of a near miss in one language.
type missWords struct {
	inOne    string // points, element
	inAll    string // points
	ofWhich  string // what each element needs of them
	each     string // points, element
	question string // question, points
	several  string // questions, points
	caution  string
	far      string // points
	farIn    string // points, element
	and      string
}

func missWordsOf(lang secor.Language) missWords {
	if lang == secor.French {
		return missWords{
			inOne:   "%s points de plus dans l’élément %s auraient suffi.",
			inAll:   "%s points de plus en tout auraient suffi",
			ofWhich: ", dont au moins %s", each: "%s dans l’élément %s",
			question: "La question %s en contient %s qui n’ont pas été accordés.",
			several:  "Les questions %s en contiennent %s qui n’ont pas été accordés.",
			caution:  "Ce n’est pas une promesse : un nouvel examen reprend tout.",
			farIn:    "Il manque %s points dans l’élément %s. C’est plus que quelques questions : il vaut mieux revoir cette partie de votre système avant une nouvelle autoévaluation.",
			far:      "Il manque %s points en tout. C’est plus que quelques questions : il vaut mieux revoir votre système avant une nouvelle autoévaluation.",
			and:      " et "}
	}
	return missWords{
		inOne:   "%s more points in element %s would do.",
		inAll:   "%s more points in all would do",
		ofWhich: ", at least %s", each: "%s of them in element %s",
		question: "Question %s holds %s that were not awarded.",
		several:  "Questions %s hold %s that were not awarded.",
		caution:  "This is not a promise: a new review looks at everything again.",
		farIn:    "It lacks %s points in element %s. That is more than a few questions: it is better to look at that part of your system as a whole before a new self-assessment.",
		far:      "It lacks %s points in all. That is more than a few questions: it is better to look at your system as a whole before a new self-assessment.",
		and:      " and "}
}

// nearMiss says how many points a failed audit lacks, and which questions hold
// them; of one that is far off only how many.
func nearMiss(page letterPage) (string, error) {
	miss, err := page.File.NearMiss()
	if err != nil || miss.Points == 0 {
		return "", err
	}
	w, points := missWordsOf(page.Lang), page.Lang.Points
	if miss.Far {
		if len(miss.Elements) == 1 && miss.Elements[0].Points == miss.Points {
			return fmt.Sprintf(w.farIn, points(miss.Points), miss.Elements[0].Element), nil
		}
		return fmt.Sprintf(w.far, points(miss.Points)), nil
	}
	lacks := fmt.Sprintf(w.inAll, points(miss.Points))
	switch {
	case len(miss.Elements) == 1 && miss.Elements[0].Points == miss.Points:
		lacks = fmt.Sprintf(w.inOne, points(miss.Points), miss.Elements[0].Element)
	case len(miss.Elements) > 0:
		var each []string
		for _, e := range miss.Elements {
			each = append(each, fmt.Sprintf(w.each, points(e.Points), e.Element))
		}
		lacks += fmt.Sprintf(w.ofWhich, listed(each, w.and)) + "."
	default:
		lacks += "."
	}
	hold := w.several
	if len(miss.Questions) == 1 {
		hold = w.question
	}
	return strings.Join([]string{lacks, fmt.Sprintf(hold, listed(miss.Questions, w.and), points(miss.Hold)), w.caution}, " "), nil
}

// listed joins words as a sentence does.
func listed(words []string, and string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + and + words[last]
}
