-- What waited stays in main.backup_job, from which the queue is filled again.
DROP SCHEMA queue CASCADE;
