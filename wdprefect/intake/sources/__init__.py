"""Where word of objects comes from: listings, a queue, and posts to a server of ours."""
