"""The browser's side as seen from the kernel: the widget, the comm and what differs between kernels."""
