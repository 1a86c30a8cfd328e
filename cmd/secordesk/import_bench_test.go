package main

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"secordesk/store/storetest"
)

// importLines is how many lines BenchmarkImport imports; IMPORT_LINES says otherwise.
func importLines(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("IMPORT_LINES"))
	if err != nil {
		return 10_000
	}
	return n
}

// BenchmarkImport imports a file in a process of its own, so that its memory is its
// own, and beside it copies the same rows into a bare table in the same run: the
// floor. IMPORT_LINES=100000 is the size that the office was promised.
func BenchmarkImport(b *testing.B) {
	n := importLines(b)
	for _, kind := range []string{"companies.csv", "companies.xlsx", "payments.csv"} {
		b.Run(kind, func(b *testing.B) {
			for range b.N {
				benchImport(b, kind, n)
			}
		})
	}
}

func benchImport(b *testing.B, file string, n int) {
	b.StopTimer()
	dsn := storetest.DSN(b)
	dir := b.TempDir()
	path := filepath.Join(dir, file)
	rows := benchRows(file, n)
	benchFile(b, path, rows)
	office := &child{b: b, dsn: dsn}
	secordesk := office.run
	reviewers := filepath.Join(dir, "reviewers.csv")
	benchFile(b, reviewers, benchRoster())
	secordesk("import", reviewers)
	if strings.HasPrefix(file, "payments") {
		benchAudits(b, dir, n, secordesk)
	}
	floor := copyFloor(b, rows)
	b.StartTimer()
	took, process := secordesk("import", path)
	b.StopTimer()
	b.ReportMetric(float64(n)/took.Seconds(), "lines/s")
	b.ReportMetric(took.Seconds()*100_000/float64(n), "s/100k")
	b.ReportMetric(float64(office.peak)/1024, "MB-RSS")
	b.ReportMetric((process.UserTime()+process.SystemTime()).Seconds()*100_000/float64(n), "cpu-s/100k") // without Postgres
	b.ReportMetric(took.Seconds()/floor.Seconds(), "x-COPY")
}

// child runs commands of secordesk as processes of their own.
type child struct {
	b    *testing.B
	dsn  string
	peak int64 // resident set of the last one, in kB
}

func (c *child) run(args ...string) (time.Duration, *os.ProcessState) {
	command := exec.Command(os.Args[0])
	command.Args = append([]string{"secordesk"}, args...) // what testscript.Main goes by
	command.Env = append(os.Environ(), "DATABASE_URL="+c.dsn, "SECORDESK_AS=dev.patel@desk.example")
	var out strings.Builder
	command.Stdout, command.Stderr = &out, &out
	began := time.Now()
	err := command.Start()
	if err != nil {
		c.b.Fatal(err)
	}
	stop := make(chan struct{})
	watched := make(chan int64)
	go func() { watched <- watchPeak(command.Process.Pid, stop) }()
	err = command.Wait()
	took := time.Since(began)
	close(stop)
	c.peak = <-watched
	if err != nil {
		c.b.Fatalf("%v\n%.2000s", err, out.String())
	}
	return took, command.ProcessState
}

// BenchmarkExport exports a desk of IMPORT_LINES audits.
func BenchmarkExport(b *testing.B) {
	n := importLines(b)
	office := &child{b: b, dsn: storetest.DSN(b)}
	dir := b.TempDir()
	reviewers := filepath.Join(dir, "reviewers.csv")
	benchFile(b, reviewers, benchRoster())
	office.run("import", reviewers)
	benchAudits(b, dir, n, office.run)
	for b.Loop() {
		took, _ := office.run("export", filepath.Join(dir, "export"), "--force")
		b.ReportMetric(took.Seconds()*100_000/float64(n), "s/100k-cases")
		b.ReportMetric(float64(office.peak)/1024, "MB-RSS")
	}
}

func benchRoster() [][]string {
	return [][]string{{"name", "email", "role", "capacity"}, {"Dev Patel", "dev.patel@desk.example", "admin", "0"}, {"Cleo Martin", "cleo@desk.example", "lead", "5"}}
}

// watchPeak returns the largest resident set of a process in kB until stop. What the
// kernel counts for a child begins with its parent's, so the process itself is asked.
func watchPeak(pid int, stop <-chan struct{}) int64 {
	var peak int64
	for tick := time.Tick(20 * time.Millisecond); ; {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, rest, found := strings.Cut(string(status), "VmHWM:")
		if err == nil && found {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			peak = max(peak, n)
		}
		select {
		case <-stop:
			return peak
		case <-tick:
		}
	}
}

// benchRows returns the header and n rows of a kind.
func benchRows(file string, n int) [][]string {
	rows := [][]string{{"legal_name", "trade_name", "province", "body", "account", "contact", "email", "street", "city", "postal_code", "member", "profile_since"}}
	if strings.HasPrefix(file, "payments") {
		rows = [][]string{{"body", "account", "fee_year", "amount", "method", "reference", "received_on"}}
	}
	for i := range n {
		account := fmt.Sprintf("%08d", i)
		if strings.HasPrefix(file, "payments") {
			rows = append(rows, []string{"ab-pir", account, strconv.Itoa(time.Now().Year()), "100.00", "eft", "EFT-" + account, time.Now().AddDate(0, 0, -1).Format(time.DateOnly)})
			continue
		}
		rows = append(rows, []string{fmt.Sprintf("Énergie Number %d Ltd.", i), "Number " + account, "AB", "ab-pir", account, "Zoë Contact", "office" + account + "@number.example",
			account + " Ridge Road", "Okotoks", "T1S 1A4", "true", "2020-09-30"})
	}
	return rows
}

func benchFile(b *testing.B, path string, rows [][]string) {
	b.Helper()
	if strings.HasSuffix(path, ".csv") {
		var text strings.Builder
		for _, row := range rows {
			text.WriteString(strings.Join(row, ",") + "\n")
		}
		err := os.WriteFile(path, []byte(text.String()), 0o600)
		if err != nil {
			b.Fatal(err)
		}
		return
	}
	book := excelize.NewFile()
	defer book.Close()
	sheet, err := book.NewStreamWriter("Sheet1")
	if err != nil {
		b.Fatal(err)
	}
	for i, row := range rows {
		cells := make([]any, len(row))
		for j, value := range row {
			cells[j] = value
		}
		err = sheet.SetRow(fmt.Sprintf("A%d", i+1), cells)
		if err != nil {
			b.Fatal(err)
		}
	}
	err = sheet.Flush()
	if err == nil {
		err = book.SaveAs(path)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// copyFloor copies the rows into a bare table by the same driver.
func copyFloor(b *testing.B, rows [][]string) time.Duration {
	b.Helper()
	db := storetest.OwnerDB(b)
	db.MustExec("CREATE TABLE bare (" + strings.Join(rows[0], " text, ") + " text)")
	began := time.Now()
	tx := db.MustBegin()
	copied, err := tx.Prepare("COPY bare (" + strings.Join(rows[0], ", ") + ") FROM STDIN")
	for _, row := range rows[1:] {
		values := make([]any, len(row))
		for i, value := range row {
			values[i] = value
		}
		if err == nil {
			_, err = copied.Exec(values...)
		}
	}
	if err == nil {
		_, err = copied.Exec()
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

// benchAudits puts n companies with an audit and an unpaid invoice on file: the first
// by the office's own commands, the others as copies of it.
func benchAudits(b *testing.B, dir string, n int, secordesk func(...string) (time.Duration, *os.ProcessState)) {
	b.Helper()
	companies, audits := filepath.Join(dir, "companies.csv"), filepath.Join(dir, "audit-registrations.csv")
	benchFile(b, companies, benchRows("companies.csv", 1))
	year := strconv.Itoa(time.Now().Year())
	benchFile(b, audits, [][]string{{"body", "account", "purpose", "fee_year", "headcount", "policies_months", "records_months", "registered_at"},
		{"ab-pir", "00000000", "maintenance", year, "5", "12", "12", time.Now().AddDate(0, 0, -3).Format("2006-01-02T15:04")}})
	courses := filepath.Join(dir, "courses.csv")
	benchFile(b, courses, [][]string{{"body", "account", "person", "course", "completed_on"},
		{"ab-pir", "00000000", "Zoë Contact", "Safety Program Development", time.Now().AddDate(0, -1, 0).Format(time.DateOnly)}})
	secordesk("import", companies, courses, audits)
	secordesk("case", "invoice", "1", "--as", "cleo@desk.example")
	db := storetest.OwnerDB(b)
	tx := db.MustBegin().Tx
	tx.Exec("SET CONSTRAINTS ALL DEFERRED")
	for _, c := range []struct{ table, where, set string }{
		{"companies", "id = 1", "id=i"}, {"registrations", "company_id = 1", "company_id=i account=lpad((i-1)::text,8,'0')"},
		{"people", "id = 1", "id=i company_id=i"}, {"courses", "person_id = 1", "person_id=i"}, {"cases", "id = 1", "id=i company_id=i"}, {"audits", "case_id = 1", "case_id=i"},
		{"invoices", "id = 1", "id=i case_id=i company_id=i"},
		{"clocks", "case_id = 1", "id=id+(i-1)*1000 case_id=i"}, {"clock_entries", "true", "clock_id=clock_id+(i-1)*1000"},
		{"events", "stream = 'case:1'", "stream='case:'||i act_id=act_id||':'||i"},
	} {
		benchCopies(b, tx, n, c.table, c.where, c.set)
	}
	err := tx.Commit()
	if err != nil {
		b.Fatal(err)
	}
	db.MustExec("ANALYZE")
}

// benchCopies copies the rows of a table n - 1 times; set says what differs by i.
func benchCopies(b *testing.B, tx *sql.Tx, n int, table, where, set string) {
	b.Helper()
	var list []byte
	err := tx.QueryRow("SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''", table).Scan(&list)
	if err != nil {
		b.Fatal(err)
	}
	columns := strings.Fields(string(list))
	values := slices.Clone(columns)
	for _, one := range strings.Fields(set) {
		column, value, _ := strings.Cut(one, "=")
		values[slices.Index(columns, column)] = value
	}
	_, err = tx.Exec(fmt.Sprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s, generate_series(2, %d) AS i WHERE %s",
		table, strings.Join(columns, ", "), strings.Join(values, ", "), table, n, where))
	if err != nil {
		b.Fatalf("%s: %v", table, err)
	}
}
