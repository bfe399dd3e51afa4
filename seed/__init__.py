"""Reference data and a demo year, through the same services as everyone; running it again changes nothing."""
