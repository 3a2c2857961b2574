"""The calendar: periods in which what hosts do teaches nothing, such as a penetration test or an outage."""
