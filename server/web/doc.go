// Package web serves the page over HTTP: built files only, compressed when they were built, cached for ever where their
// name carries a hash, and under a content security policy that lets the page run nothing but its own files.
package web
