module testbed

go 1.21
