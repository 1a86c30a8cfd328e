// Package schema holds the programme's data and the database's shape: rule
// editions, protocols, governing bodies, calendars and zones as files that a
// person can read and correct, and the SQL migrations.
//
// Load turns the files into a secor.Programme or says everything that is wrong
// with them. Every value states its source and how certain it is; Loaded.Print
// shows them to a person.
//
// The package knows no case and no company. Of a database it knows only its
// shape: Migrate brings one up to it.
package schema
