DROP TABLE main.backup_schedule;
