// A program for the client that ogen generates.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"strings"
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

	where, minAge, imageExists := []string{"last_name~o"}, client.NewOptFloat64(51.1), client.NewOptBool(true)
	asOf := client.NewOptDateTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	records := list(ctx, service, client.ListRecordsParams{
		Where: where, MinAge: minAge, AsOf: asOf, ImageExists: imageExists,
		Columns: []string{"last_name", "user_id"}, Sort: []string{"-last_name"},
	})
	matching := []string{}
	for _, record := range records.Response {
		check(record.LastName.Set && !record.FirstName.Set, record)
		matching = append(matching, record.UserID.Value)
	}
	check(strings.Join(matching, " ") == "1077 1026 1003 1045 1048 1035 wren.ashgrove 1084", matching)

	ids, count := map[string]bool{}, 0
	query := client.ListRecordsParams{Limit: client.NewOptInt32(30)}
	for {
		page := list(ctx, service, query)
		for _, record := range page.Response {
			ids[record.UserID.Value] = true
			count++
		}
		if !page.NextCursor.Set {
			break
		}
		query = client.ListRecordsParams{Cursor: page.NextCursor}
	}
	check(len(ids) == 100 && count == 100, count)

	figures, err := service.GetStatistics(ctx, client.GetStatisticsParams{
		Where: where, MinAge: minAge, AsOf: asOf, ImageExists: imageExists, AgeBasis: client.NewOptAgeBasis(client.AgeBasisExact), BinWidth: client.NewOptInt32(20),
	})
	check(err == nil, err)
	statistics, ok := figures.(*client.StatisticsHeaders)
	check(ok, figures)
	check(statistics.Response.Count == 9 && statistics.Response.AverageAge == 68.06787588409765, statistics)
	bins := statistics.Response.AgeHistogram
	check(len(bins) == 3 && bins[0].Count == 3 && bins[1].Count == 4 && bins[2].Count == 2, bins)

	found, err := service.GetRecord(ctx, client.GetRecordParams{UserID: "1003"})
	check(err == nil, err)
	one, ok := found.(*client.RecordHeaders)
	check(ok, found)
	record := one.Response
	check(record.UserID == "1003" && record.FirstName == "Róisín" && record.LastName == "O'Dunmore", record)
	check(record.Birthts == -843706800000 && record.ImgPath.Value == "source_data/1003.png", record)
	missing, err := service.GetRecord(ctx, client.GetRecordParams{UserID: "no such id"})
	check(err == nil, err)
	problem, ok := missing.(*client.GetRecordNotFound)
	check(ok && problem.Response.Code == "record_not_found", missing)

	picture, err := service.GetRecordImage(ctx, client.GetRecordImageParams{UserID: "1001"})
	check(err == nil, err)
	image, ok := picture.(*client.GetRecordImageOKImagePNGHeaders)
	check(ok, picture)
	data, err := io.ReadAll(image.Response)
	check(err == nil && len(data) == 1180 && string(data[1:4]) == "PNG", len(data))

	finished, err := service.PublishOutput(ctx, client.PublishOutputParams{DryRun: client.NewOptBool(true)})
	check(err == nil, err)
	dryRun, ok := finished.(*client.JobHeaders)
	check(ok && dryRun.Response.State == "succeeded" && dryRun.Response.DryRun, finished)

	started, err := service.PublishOutput(ctx, client.PublishOutputParams{Prefer: client.NewOptString("respond-async")})
	check(err == nil, err)
	accepted, ok := started.(*client.PublishOutputAcceptedHeaders)
	check(ok && !accepted.Response.DryRun, started)
	job := accepted.Response
	for deadline := time.Now().Add(10 * time.Second); job.FinishedAt.Null; time.Sleep(50 * time.Millisecond) {
		check(time.Now().Before(deadline), job)
		response, err := service.GetJob(ctx, client.GetJobParams{ID: job.ID})
		check(err == nil, err)
		current, ok := response.(*client.GetJobOKHeaders)
		check(ok, response)
		job = current.Response
	}
	check(job.State == "succeeded" && job.Result.Value.Records == 100, job)

	again, err := service.GetRecord(ctx, client.GetRecordParams{UserID: "1003", IfNoneMatch: client.NewOptString(one.ETag)})
	check(err == nil, err)
	_, ok = again.(*client.GetRecordNotModified)
	check(ok, again)

	export, err := service.ExportRecordsCsv(ctx, client.ExportRecordsCsvParams{UserID: []string{"1007", "1082"}, Columns: []string{"user_id"}})
	check(err == nil, err)
	table, ok := export.(*client.ExportRecordsCsvOKHeaders)
	check(ok, export)
	text, err := io.ReadAll(table.Response)
	check(err == nil && string(text) == "user_id\r\n1007\r\n1082\r\n", string(text))
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
