// A program for the client that oapi-codegen generates.
package main

import (
	"context"
	"log"
	"os"
	"time"

	client "userlake/tools/clients/generated/oapi-codegen"
)

func main() {
	ctx := context.Background()
	service, err := client.NewClientWithResponses(os.Args[1])
	check(err == nil, err)

	ids := map[string]bool{}
	query := client.ListRecordsParams{Limit: pointer(int32(30))}
	for {
		page, err := service.ListRecordsWithResponse(ctx, &query)
		check(err == nil && page.JSON200 != nil, err)
		for _, record := range *page.JSON200 {
			ids[*record.UserId] = true
		}
		if page.Headers200.NextCursor == nil {
			break
		}
		query = client.ListRecordsParams{Cursor: page.Headers200.NextCursor}
	}
	check(len(ids) == 100, len(ids))

	minAge, asOf, imageExists := 0.1+0.2, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), true
	records, err := service.ListRecordsWithResponse(ctx, &client.ListRecordsParams{
		MinAge: &minAge, AsOf: &asOf, ImageExists: &imageExists,
		Columns: &[]string{"last_name", "user_id"}, Sort: &[]string{"-last_name"},
	})
	check(err == nil && records.JSON200 != nil, err)
	check((*records.JSON200)[0].LastName != nil && (*records.JSON200)[0].FirstName == nil, records.JSON200)
	statistics, err := service.GetStatisticsWithResponse(ctx, &client.GetStatisticsParams{
		MinAge: &minAge, AsOf: &asOf, ImageExists: &imageExists, AgeBasis: pointer(client.Exact), BinWidth: pointer(int32(5)),
	})
	check(err == nil && int(statistics.JSON200.Count) == len(*records.JSON200), err)
	var average float64 = statistics.JSON200.AverageAge
	check(average > 0, average)

	table, err := service.ExportRecordsCsvWithResponse(ctx, &client.ExportRecordsCsvParams{UserId: &[]string{"1007", "1082"}, Columns: &[]string{"user_id"}})
	check(err == nil && string(table.Body) == "user_id\r\n1007\r\n1082\r\n", err)

	missing, err := service.GetRecordWithResponse(ctx, "no such id", nil)
	check(err == nil && missing.ApplicationproblemJSON404.Code == "record_not_found", err)

	job, err := service.PublishOutputWithResponse(ctx, &client.PublishOutputParams{DryRun: pointer(true)})
	check(err == nil && job.JSON200.State == "succeeded" && job.JSON200.DryRun, err)
}

func pointer[T any](value T) *T { return &value }

func check(holds bool, got any) {
	if !holds {
		log.Panicln("got", got)
	}
}
