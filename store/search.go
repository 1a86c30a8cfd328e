package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/lib/pq"

	"secordesk/store/secor"
)

// SearchWhy says what of a company a search matched, the surest first.
type SearchWhy string

const (
	WhyCase        SearchWhy = "case"        // the number of a case
	WhyCertificate SearchWhy = "certificate" // its number, or its beginning
	WhyAccount     SearchWhy = "account"     // the number, in any writing and without zeros at its front
	WhyEmail       SearchWhy = "e-mail"      // all of it
	WhyName        SearchWhy = "legal name"
	WhyTradeName   SearchWhy = "trade name"
	WhyPerson      SearchWhy = "person" // contact, or somebody on file
	WhyParts       SearchWhy = "name and contact"
)

// Hit is a company that a search found.
type Hit struct {
	Company secor.Company
	Why     SearchWhy
	What    string // that matched: "ab-pir 3456789", "Priya Nair"
}

// maxSearch is the longest search, in characters.
const maxSearch = 200

const searchSQL = `
	WITH hits AS (
		SELECT id AS company_id, 40 AS rank, '' AS why, '' AS what -- the rank of a company's own row says why
		FROM companies
		WHERE near_name = $2
		UNION ALL
		(SELECT id,
			CASE WHEN email = $6 THEN 45 WHEN folded(legal_name) LIKE $7 THEN 35 WHEN folded(legal_name) LIKE ALL ($1) OR near_name LIKE $3 THEN 30
			     WHEN folded(trade_name) LIKE ALL ($1) THEN 25 WHEN folded(contact) LIKE ALL ($1) THEN 20 WHEN email LIKE ALL ($1) THEN 15 ELSE 10 END, '', ''
		FROM companies
		WHERE folded LIKE ALL ($1) OR near_name LIKE $3
		LIMIT 2000)
		UNION ALL
		(SELECT company_id, 20, 'person', name FROM people WHERE folded LIKE ALL ($1) LIMIT 2000)
		UNION ALL
		SELECT company_id, CASE WHEN ltrim(account, '0') = $4 THEN 60 ELSE 22 END, 'account', body || ' ' || account
		FROM registrations
		WHERE $4 <> '' AND ltrim(account, '0') LIKE $4 || '%'
		UNION ALL
		SELECT c.company_id, CASE WHEN regexp_replace(upper(k.number), '[^0-9A-Z]', '', 'g') = $5 THEN 70 ELSE 24 END, 'certificate', k.number
		FROM certificates k JOIN cases c ON c.id = k.case_id
		WHERE length($5) > 2 AND regexp_replace(upper(k.number), '[^0-9A-Z]', '', 'g') LIKE $5 || '%'
		UNION ALL
		SELECT id, CASE WHEN regexp_replace(upper(certificate_number), '[^0-9A-Z]', '', 'g') = $5 THEN 70 ELSE 24 END, 'certificate', certificate_number
		FROM companies
		WHERE certificate_number <> '' AND length($5) > 2 AND regexp_replace(upper(certificate_number), '[^0-9A-Z]', '', 'g') LIKE $5 || '%'
		UNION ALL
		SELECT company_id, 80, 'case', id::text FROM cases WHERE id = $8
	), best AS (
		SELECT DISTINCT ON (company_id) company_id, rank, why, what FROM hits ORDER BY company_id, rank DESC, what
	), first AS (
		SELECT b.company_id, b.rank, b.why, b.what, EXISTS (
			SELECT FROM cases c
			WHERE c.company_id = b.company_id AND c.state = ANY ($9)) AS open
		FROM best b
	)
	SELECT c.id, c.legal_name, c.trade_name, c.near_name, c.province, c.email, c.contact, f.rank, f.why, f.what
	FROM first f JOIN companies c ON c.id = f.company_id
	ORDER BY f.rank DESC, f.open DESC, c.legal_name, c.id
	LIMIT $10`

type hitRow struct {
	ID                                                             int64
	LegalName, TradeName, NearName, Province, Email, Contact, What string
	Why                                                            SearchWhy
	Rank                                                           int
}

// whyOf says what the ranks of a company's own row mean.
func whyOf(rank int) SearchWhy {
	switch rank {
	case 45, 15:
		return WhyEmail
	case 40, 35, 30:
		return WhyName
	case 25:
		return WhyTradeName
	case 20:
		return WhyPerson
	default:
		return WhyParts
	}
}

// Search returns up to limit companies that a person may mean by a text: all of its
// words stand in their names, contact or e-mail address, whatever the accents, or it
// is the number of an account, a certificate or a case. The surest come first, and
// among equals those with an open case; of words that more than 2000 companies have,
// it looks at 2000. A text without a word that can be looked for is a refusal.
func (s *Store) Search(ctx context.Context, text string, limit int) ([]Hit, error) {
	text, err := secor.CleanText("search", text, maxSearch)
	if err != nil {
		return nil, err
	}
	words := secor.SearchWords(text)
	number := plainNumber(text)
	if caseNumber(text) == 0 && (len(words) == 0 || len(number) < 2 && len([]rune(strings.Join(words, ""))) < 2) {
		return nil, &secor.FieldError{Field: "search", Value: text, Problem: "is too short; give two letters or more of a name, or a number"}
	}
	near := secor.NearName(text)
	patterns := make([]string, len(words))
	for i, w := range words {
		patterns[i] = "%" + likeEscaper.Replace(w) + "%"
	}
	account := ""
	if strings.ContainsFunc(number, unicode.IsDigit) {
		account = strings.TrimLeft(number, "0")
	}
	var found []hitRow
	err = s.reads().SelectContext(ctx, &found, searchSQL, pq.Array(patterns), near, "%"+likeEscaper.Replace(near)+"%", account, number, strings.ToLower(text),
		likeEscaper.Replace(strings.Join(words, " "))+"%", caseNumber(text), pq.Array(openStates()), limit)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	hits := make([]Hit, len(found))
	for i, row := range found {
		hits[i] = row.hit()
	}
	return hits, nil
}

func (r hitRow) hit() Hit {
	h := Hit{Why: r.Why, What: r.What, Company: secor.Company{ID: r.ID, LegalName: r.LegalName, TradeName: r.TradeName, Province: r.Province, Email: r.Email, Contact: r.Contact}}
	if h.Why == "" {
		h.Why = whyOf(r.Rank)
	}
	if h.What == "" {
		h.What = map[SearchWhy]string{WhyEmail: r.Email, WhyName: r.LegalName, WhyTradeName: r.TradeName, WhyPerson: r.Contact}[h.Why]
	}
	return h
}

// plainNumber returns the letters and digits of a number, however it is written.
func plainNumber(text string) string {
	return strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII && (unicode.IsDigit(r) || unicode.IsUpper(r)) {
			return r
		}
		return -1
	}, strings.ToUpper(text))
}

// caseNumber reads "14", "#14" or "case 14"; 0 is none.
func caseNumber(text string) int64 {
	n, _ := strconv.ParseInt(strings.TrimLeft(strings.TrimPrefix(strings.ToLower(text), "case"), " #"), 10, 62)
	return n
}

// openStates returns the states in which somebody has to act next.
func openStates() []string {
	var open []string
	for _, kind := range []secor.Subject{secor.SubjectRequest, secor.SubjectAudit} {
		for _, state := range secor.States(kind) {
			if secor.Next(kind, state) != "" {
				open = append(open, string(state))
			}
		}
	}
	return open
}

const foldedSQL = `
	SELECT id, legal_name, trade_name, near_name, province, email, contact, folded
	FROM companies`

// SearchNear returns up to limit companies of which the words of a text are only one
// slip away: a letter too many, too few, another one, or two that changed places.
// It reads through all companies.
func (s *Store) SearchNear(ctx context.Context, text string, limit int) ([]Hit, error) {
	text, err := secor.CleanText("search", text, maxSearch)
	if err != nil {
		return nil, err
	}
	words := secor.SearchWords(text)
	rows, err := s.reads().QueryxContext(ctx, foldedSQL)
	if err != nil {
		return nil, fmt.Errorf("search near: %w", err)
	}
	defer rows.Close()
	var hits []Hit
	for rows.Next() && len(hits) < 20*limit {
		var row struct {
			hitRow
			Folded string
		}
		err = rows.Scan(&row.ID, &row.LegalName, &row.TradeName, &row.NearName, &row.Province, &row.Email, &row.Contact, &row.Folded)
		if err != nil {
			return nil, fmt.Errorf("search near: %w", err)
		}
		if nearAll(words, row.Folded) {
			row.Why = WhyName
			hits = append(hits, row.hit())
		}
	}
	slices.SortFunc(hits, func(a, b Hit) int { return strings.Compare(a.Company.LegalName, b.Company.LegalName) })
	return hits[:min(limit, len(hits))], rows.Err()
}

// minNear is the shortest word, in letters, in which a slip is looked for.
const minNear = 4

// nearAll reports whether each word stands in the text, or is one slip from a word of it.
func nearAll(words []string, text string) bool {
	for _, word := range words {
		if strings.Contains(text, word) {
			continue
		}
		letters := []rune(word)
		if len(letters) < minNear {
			return false
		}
		is := slices.ContainsFunc(strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }),
			func(other string) bool { return oneSlip(letters, []rune(other)) })
		if !is {
			return false
		}
	}
	return len(words) > 0
}

// oneSlip reports whether two different words are one slip apart.
func oneSlip(a, b []rune) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return slices.Equal(a[i:], b[i+1:])
	}
	if i == len(a) {
		return false
	}
	swapped := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:])
	return swapped || slices.Equal(a[i+1:], b[i+1:])
}
