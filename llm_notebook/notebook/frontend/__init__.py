"""The front end as the kernel sees it: the comm, the widget, and what differs between kernels."""
