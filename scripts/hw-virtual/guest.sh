# Runs in the virtual machine before the tests: what an ordinary Linux has after it has started, and the modules of the virtual devices.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb NO_COLOR=1 CI=1 TAPDIP_VM=1
mount -t tmpfs run /run
mkdir -p "/lib/modules/$KERNEL_VERSION" /run/udev && mount --bind "$MODULES" "/lib/modules/$KERNEL_VERSION"
modprobe -a configfs uhid hid-generic usbhid vhci-hcd hci_vhci
mount -t configfs config /sys/kernel/config
/lib/systemd/systemd-udevd --daemon 2>/dev/null
udevadm trigger
udevadm settle
