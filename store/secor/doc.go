// Package secor holds the rules of the SECOR programme as a certifying partner
// runs them: what a case is, who may take which step, what follows from it, how
// a self-assessment is scored and how every promised day is counted.
//
// The package is pure. It reads no clock, no file and no network; the present
// instant is always an argument. It knows neither tables nor JSON nor Slack:
// store maps it to Postgres, schema feeds it the programme's data, jobs and bot
// act on what it decides.
package secor
