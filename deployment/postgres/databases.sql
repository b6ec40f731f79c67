-- Beside the database `dagster` that POSTGRES_DB makes: the lake's catalog, with nothing else in it.
CREATE DATABASE lake;
