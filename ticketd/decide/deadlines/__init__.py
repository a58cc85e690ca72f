"""What is due when: policies, business hours, clocks, figures."""
