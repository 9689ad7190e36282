# debootstrap's second stage, in the tree that its first stage left.
export container=lxc
/debootstrap/debootstrap --second-stage
