-- The table of unsubscribe-worker.js. Ids are not used again, because `news unsubscribes pull` goes on after the last one.
CREATE TABLE IF NOT EXISTS leave (id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE, at INTEGER NOT NULL);
