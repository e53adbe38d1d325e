// Package core holds raftplay's version, and in its tests the walls between the folders.
package core

// Version is raftplay's, as runs carry it. A run is promised to repeat within one version.
const Version = "0.1.0-dev"
