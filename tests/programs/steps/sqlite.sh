# A database in WAL mode that two processes write at once.
mkdir -p /srv/sqlite
cd /srv/sqlite
sqlite3 shared.db 'PRAGMA journal_mode=WAL; CREATE TABLE rows(writer, number, PRIMARY KEY(writer, number));'
write() {
    for number in $(seq 150); do
        sqlite3 -cmd '.timeout 60000' shared.db "INSERT INTO rows VALUES('$1', $number);"
    done
}
write one &
first=$!
write two
wait "$first"
sqlite3 shared.db 'PRAGMA integrity_check; SELECT writer, count(*) FROM rows GROUP BY writer;' >checked
sqlite3 shared.db '.dump' | sort >dump
# Pages lie in the order of the writes.
rm -f shared.db*
