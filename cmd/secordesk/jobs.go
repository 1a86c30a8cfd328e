package main

// jobsCmd is "secordesk jobs".
type jobsCmd struct {
	List    jobsListCmd    `cmd:"" help:"List jobs: those that wait for a person, or others."`
	Show    jobsShowCmd    `cmd:"" help:"Show a job and the attempts at it."`
	Retry   jobsRetryCmd   `cmd:"" help:"Have failed or ambiguous jobs done again, as a lead or administrator."`
	Arrived jobsArrivedCmd `cmd:"" help:"Say that the letter of an ambiguous job arrived, as a lead or administrator."`
	Cancel  jobsCancelCmd  `cmd:"" help:"Give up jobs for good, as a lead or administrator."`
	Pause   jobsPauseCmd   `cmd:"" help:"Let kinds of jobs rest, as a lead or administrator."`
	Resume  jobsResumeCmd  `cmd:"" help:"End the rest of kinds of jobs."`
}

// Help returns the examples.
func (jobsCmd) Help() string {
	return `A job is what follows from a step, such as a letter. It is failed when it was given up after its attempts or because of a rule, and
ambiguous when its letter was being sent and nobody knows whether it arrived.

Examples:

	secordesk jobs list
	secordesk jobs list --open --watch
	secordesk jobs retry 7 --reason "address corrected" --as ana.roy@example.com
	secordesk jobs arrived 8 --reason "the mail server's log has it" --as ana.roy@example.com
	secordesk jobs pause mail --reason "the mail server moves" --as ana.roy@example.com`
}
