"""What everything stands on: errors, calls, threads, progress. It knows no network."""
