//go:build !go1.24

package main

func cleanups() {
	said["queued_finalizers"], said["queued_cleanups"] = doomed-1, 0
}
