package secor

import (
	"errors"
	"fmt"
	"strconv"
)

// Recipients returns for whom a job is done that follows from an event and has that
// audience: "company:12", "body:ab-pir", "reviewer:3" or "desk". A promise to nobody
// would be lost, so it is an error: a step that has to tell the leads waits until
// there is one. Only who held the case before may be nobody, and the channel, which
// the rules do not know.
func (f *File) Recipients(a Audience, cause Event) ([]string, error) {
	switch a {
	case AudienceDesk:
		return []string{Desk.String()}, nil
	case AudienceCompany:
		return []string{ByCompany(f.Company.ID).String()}, nil
	case AudienceBody:
		return []string{"body:" + f.Case.Body}, nil
	case AudienceReviewer:
		if f.Case.Holder == 0 {
			return nil, fmt.Errorf("nobody holds case %d", f.Case.ID)
		}
		return []string{ByReviewer(f.Case.Holder).String()}, nil
	case AudienceFormer:
		return f.former(cause), nil
	case AudienceHolder:
		acts := f.ActsForHolder()
		if acts == 0 {
			return firstOf(f.Roster, RoleLead, RoleAdmin)
		}
		return []string{ByReviewer(acts).String()}, nil
	case AudienceLeads:
		return firstOf(f.Roster, RoleLead, RoleAdmin)
	case AudienceAdmins:
		return firstOf(f.Roster, RoleAdmin, RoleLead)
	case AudienceChannel:
		return nil, nil
	default:
		return nil, fmt.Errorf("the audience %q is not known", a)
	}
}

// former returns who held the case until an event, unless they have left or did it
// themselves.
func (f *File) former(cause Event) []string {
	for _, r := range f.Roster {
		if r.Active && strconv.FormatInt(r.ID, 10) == cause.Facts["from"] && cause.By != ByReviewer(r.ID) {
			return []string{ByReviewer(r.ID).String()}
		}
	}
	return nil
}

// firstOf returns everybody active of the first role that anybody active has.
func firstOf(roster []Reviewer, roles ...Role) ([]string, error) {
	for _, role := range roles {
		var found []string
		for _, r := range roster {
			if r.Active && r.Role == role {
				found = append(found, ByReviewer(r.ID).String())
			}
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	return nil, errors.New("no active lead or administrator is on the roster; add one")
}
