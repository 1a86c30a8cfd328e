package secor

// Purpose is why a company is audited.
type Purpose string

const (
	PurposeCertification   Purpose = "certification"
	PurposeMaintenance     Purpose = "maintenance"
	PurposeRecertification Purpose = "recertification"
)

// Purposes returns every purpose.
func Purposes() []Purpose {
	return []Purpose{PurposeCertification, PurposeMaintenance, PurposeRecertification}
}

// EventKind names what happened: "request.approved". The part before the dot is
// the subject.
type EventKind string
