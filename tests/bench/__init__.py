"""`make bench`: what ticketd costs, measured side by side with what any program must pay."""
