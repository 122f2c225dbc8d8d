"""load.py <csv> <database>: writes the table `users` as a user of Datasette would: a primary key, and indexes of the filtered columns."""
import csv
import sqlite3
import sys

with open(sys.argv[1], newline="", encoding="utf-8") as file, sqlite3.connect(sys.argv[2]) as database:
    rows = csv.reader(file)
    next(rows)
    database.execute("create table users (user_id text primary key, first_name text, last_name text, birthts integer, img_path text)")
    database.executemany("insert into users values (?, ?, ?, ?, ?)", rows)
    for column in ("last_name", "birthts"):
        database.execute(f"create index {column} on users ({column})")
    database.execute("analyze")
