DROP TABLE main.backup_job;
