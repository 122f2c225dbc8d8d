// A program for the client that ogen generates.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"time"

	client "userlake/tools/clients/generated/ogen"
)

// A service without API keys ignores the key.
type credentials struct{}

func (credentials) Bearer(context.Context, client.OperationName) (client.Bearer, error) {
	return client.Bearer{Token: "key"}, nil
}

func main() {
	ctx := context.Background()
	service, err := client.NewClient(os.Args[1], credentials{})
	check(err == nil, err)

	ids := map[string]bool{}
	query := client.ListRecordsParams{Limit: client.NewOptInt32(30)}
	for {
		page := list(ctx, service, query)
		for _, record := range page.Response {
			ids[record.UserID.Value] = true
		}
		if !page.NextCursor.Set {
			break
		}
		query = client.ListRecordsParams{Cursor: page.NextCursor}
	}
	check(len(ids) == 100, len(ids))

	minAge, asOf, imageExists := client.NewOptFloat64(0.1+0.2), client.NewOptDateTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), client.NewOptBool(true)
	records := list(ctx, service, client.ListRecordsParams{
		MinAge: minAge, AsOf: asOf, ImageExists: imageExists,
		Columns: []string{"last_name", "user_id"}, Sort: []string{"-last_name"},
	})
	check(records.Response[0].LastName.Set && !records.Response[0].FirstName.Set, records.Response[0])
	figures, err := service.GetStatistics(ctx, client.GetStatisticsParams{
		MinAge: minAge, AsOf: asOf, ImageExists: imageExists, AgeBasis: client.NewOptAgeBasis(client.AgeBasisExact), BinWidth: client.NewOptInt32(5),
	})
	check(err == nil, err)
	statistics, ok := figures.(*client.StatisticsHeaders)
	check(ok && int(statistics.Response.Count) == len(records.Response), figures)

	export, err := service.ExportRecordsCsv(ctx, client.ExportRecordsCsvParams{UserID: []string{"1007", "1082"}, Columns: []string{"user_id"}})
	check(err == nil, err)
	table, ok := export.(*client.ExportRecordsCsvOKHeaders)
	check(ok, export)
	text, err := io.ReadAll(table.Response)
	check(err == nil && string(text) == "user_id\r\n1007\r\n1082\r\n", string(text))

	missing, err := service.GetRecord(ctx, client.GetRecordParams{UserID: "no such id"})
	check(err == nil, err)
	problem, ok := missing.(*client.GetRecordNotFound)
	check(ok && problem.Response.Code == "record_not_found", missing)

	run, err := service.PublishOutput(ctx, client.PublishOutputParams{DryRun: client.NewOptBool(true)})
	check(err == nil, err)
	job, ok := run.(*client.JobHeaders)
	check(ok && job.Response.State == "succeeded" && job.Response.DryRun, run)
}

func list(ctx context.Context, service *client.Client, query client.ListRecordsParams) *client.ListRecordsOKHeaders {
	response, err := service.ListRecords(ctx, query)
	check(err == nil, err)
	page, ok := response.(*client.ListRecordsOKHeaders)
	check(ok, response)
	return page
}

func check(holds bool, got any) {
	if !holds {
		log.Panicf("got %+v", got)
	}
}
