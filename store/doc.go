// Package store keeps the desk's memory in Postgres, one file per noun. Every
// write is one explicit transaction; a case is changed through UpdateCase and in
// no other way. It must not decide what the rules decide, and knows neither
// Slack, Redis nor mail.
package store
