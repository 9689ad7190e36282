# A repository of 300 commits, cloned through the wire protocol, packed and checked.
export GIT_AUTHOR_DATE='1000000000 +0000' GIT_COMMITTER_DATE='1000000000 +0000'
git config --global user.name Tester
git config --global user.email tester@example.org
git config --global pack.threads 1
mkdir -p /srv/git
git init -q -b main /srv/git/origin
cd /srv/git/origin
for commit in $(seq 300); do
    mkdir -p "d$((commit % 20))"
    seq "$commit" $((commit + 200)) >"d$((commit % 20))/f$commit"
    git add -A
    git commit -q -m "commit $commit"
done
git clone -q --no-local /srv/git/origin /srv/git/clone
cd /srv/git/clone
git checkout -q -b work HEAD~100
git merge -q main
git gc -q
git fsck --full --strict
git status --porcelain
# Reflogs and hooks are the same; what was fetched is a pack in both.
rm -rf .git/logs
