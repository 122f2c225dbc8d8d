// A program for the client that oapi-codegen generates.
package main

import (
	"context"
	"log"
	"os"
	"strings"
	"time"

	client "userlake/tools/clients/generated/oapi-codegen"
)

func main() {
	ctx := context.Background()
	service, err := client.NewClientWithResponses(os.Args[1])
	check(err == nil, err)

	where, minAge, asOf, imageExists := []string{"last_name~o"}, 51.1, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), true
	records, err := service.ListRecordsWithResponse(ctx, &client.ListRecordsParams{
		Where: &where, MinAge: &minAge, AsOf: &asOf, ImageExists: &imageExists,
		Columns: &[]string{"last_name", "user_id"}, Sort: &[]string{"-last_name"},
	})
	check(err == nil && records.JSON200 != nil, err)
	matching := []string{}
	for _, record := range *records.JSON200 {
		check(record.LastName != nil && record.FirstName == nil, record)
		matching = append(matching, *record.UserId)
	}
	check(strings.Join(matching, " ") == "1077 1026 1003 1045 1048 1035 wren.ashgrove 1084", matching)

	ids, count := map[string]bool{}, 0
	query := client.ListRecordsParams{Limit: pointer(int32(30))}
	for {
		page, err := service.ListRecordsWithResponse(ctx, &query)
		check(err == nil && page.JSON200 != nil, err)
		for _, record := range *page.JSON200 {
			ids[*record.UserId] = true
			count++
		}
		if page.Headers200.NextCursor == nil {
			break
		}
		query = client.ListRecordsParams{Cursor: page.Headers200.NextCursor}
	}
	check(len(ids) == 100 && count == 100, count)

	figures, err := service.GetStatisticsWithResponse(ctx, &client.GetStatisticsParams{
		Where: &where, MinAge: &minAge, AsOf: &asOf, ImageExists: &imageExists, AgeBasis: pointer(client.Exact), BinWidth: pointer(int32(20)),
	})
	check(err == nil && figures.JSON200 != nil, err)
	statistics := figures.JSON200
	check(statistics.Count == 9 && statistics.AverageAge == 68.06787588409765, statistics)
	bins := statistics.AgeHistogram
	check(len(bins) == 3 && bins[0].Count == 3 && bins[1].Count == 4 && bins[2].Count == 2, bins)

	one, err := service.GetRecordWithResponse(ctx, "1003", nil)
	check(err == nil && one.JSON200 != nil, err)
	record := one.JSON200
	check(record.UserId == "1003" && record.FirstName == "Róisín" && record.LastName == "O'Dunmore", record)
	check(record.Birthts == -843706800000 && *record.ImgPath == "source_data/1003.png", record)
	missing, err := service.GetRecordWithResponse(ctx, "no such id", nil)
	check(err == nil && missing.ApplicationproblemJSON404 != nil, err)
	check(missing.ApplicationproblemJSON404.Code == "record_not_found", missing.ApplicationproblemJSON404)

	image, err := service.GetRecordImageWithResponse(ctx, "1001", nil)
	check(err == nil && image.StatusCode() == 200, err)
	check(len(image.Body) == 1180 && string(image.Body[1:4]) == "PNG", len(image.Body))

	dryRun, err := service.PublishOutputWithResponse(ctx, &client.PublishOutputParams{DryRun: pointer(true)})
	check(err == nil && dryRun.JSON200 != nil, err)
	check(dryRun.JSON200.State == "succeeded" && dryRun.JSON200.DryRun, dryRun.JSON200)

	accepted, err := service.PublishOutputWithResponse(ctx, &client.PublishOutputParams{Prefer: pointer("respond-async")})
	check(err == nil && accepted.JSON202 != nil, err)
	check(!accepted.JSON202.DryRun, accepted.JSON202)
	job := accepted.JSON202
	for deadline := time.Now().Add(10 * time.Second); job.FinishedAt == nil; time.Sleep(50 * time.Millisecond) {
		check(time.Now().Before(deadline), job)
		response, err := service.GetJobWithResponse(ctx, accepted.JSON202.Id)
		check(err == nil && response.JSON200 != nil, err)
		job = response.JSON200
	}
	check(job.State == "succeeded" && job.Result.Records == 100, job)

	again, err := service.GetRecordWithResponse(ctx, "1003", &client.GetRecordParams{IfNoneMatch: &one.Headers200.ETag})
	check(err == nil && again.StatusCode() == 304 && again.JSON200 == nil, err)

	table, err := service.ExportRecordsCsvWithResponse(ctx, &client.ExportRecordsCsvParams{UserId: &[]string{"1007", "1082"}, Columns: &[]string{"user_id"}})
	check(err == nil && string(table.Body) == "user_id\r\n1007\r\n1082\r\n", err)
}

func pointer[T any](value T) *T { return &value }

func check(holds bool, got any) {
	if !holds {
		log.Panicf("got %+v", got)
	}
}
