# A tree of every kind of entry, copied with everything, twice; the second finds nothing to do.
mkdir -p /srv/rsync/from/deep/er
cd /srv/rsync/from
seq 20000 >file
ln file link
ln file deep/link
ln -s ../file deep/symlink
mkfifo fifo
truncate -s 50M sparse
echo end >>sparse
setfattr -n user.note -v value file
setfacl -m u:1234:rw deep
chmod 4711 deep/link
chown 12:34 deep/er
cp -r /usr/share/doc doc
cd ..
rsync -aHAXS --checksum from/ to/
rsync -aHAXSn --checksum --itemize-changes from/ to/ >changes
test ! -s changes
