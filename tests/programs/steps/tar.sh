# There and back with sparse files, attributes and hard links.
mkdir -p /srv/tar/to
cd /srv/tar
tar -C /srv/rsync/from --sparse --xattrs --xattrs-include='*' --acls --sort=name -cf archive.tar .
tar -C to --xattrs --xattrs-include='*' --acls -xpf archive.tar
tar -C to --compare -f archive.tar
# The archive has times of access of a sort, which are now.
rm archive.tar
